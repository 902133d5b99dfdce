import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { CronJob } from "../../../client/types.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  labelSelectorText,
  podTemplateColumns,
} from "./cell-text.ts";
import { validateCronJob, validateNewCronJob } from "./cronjob-validation.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { defaultFailurePolicy, jobSpecWarnings } from "./jobs.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { ownerWarnings } from "./pod-warnings.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

export const cronJobs = kindOf<CronJob>({
  group: "batch",
  version: "v1",
  kind: "CronJob",
  plural: "cronjobs",
  singular: "cronjob",
  shortNames: ["cj"],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "cronjobs",
  hasGeneration: true,
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults(object) {
    const { spec } = object;
    spec.concurrencyPolicy ??= "Allow";
    spec.suspend ??= false;
    spec.successfulJobsHistoryLimit ??= 3;
    spec.failedJobsHistoryLimit ??= 1;
    spec.jobTemplate ??= {};
    spec.jobTemplate.metadata ??= {};
    // What a job leaves out is filled in once it is made.
    spec.jobTemplate.spec ??= { template: {} };
    const job = spec.jobTemplate.spec;
    defaultTemplate(job);
    job.template.metadata ??= {};
    defaultFailurePolicy(job.podFailurePolicy);
    object.status ??= {};
  },
  prepareForCreate: clearStatus,
  prepareForUpdate: keepStatus,
  dropDisabled: (next, current, context) =>
    dropDisabledTemplate(jobOf(next), current && jobOf(current), context),
  validate: (object, _facts, current) => validateCronJob(object, current),
  validateCreate: validateNewCronJob,
  columns: [
    column("Schedule"),
    column("Timezone"),
    column("Suspend", "boolean"),
    column("Active", "integer"),
    column("Last Schedule"),
    ageColumn,
    ...podTemplateColumns,
  ],
  warnings: (next, current) => [
    ...ownerWarnings(
      next,
      current,
      jobSpecWarnings(next.spec.jobTemplate.spec ?? {}, "spec.jobTemplate.spec"),
    ),
    ...(current !== undefined && next.spec.schedule.includes("TZ")
      ? [
          "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
        ]
      : []),
  ],
  cells: ({ spec, status, metadata }, nowMs) => [
    spec.schedule,
    spec.timeZone ?? "<none>",
    spec.suspend === true ? "True" : "False",
    (status?.active ?? []).length,
    status?.lastScheduleTime === undefined ? "<none>" : age(status.lastScheduleTime, nowMs),
    age(metadata.creationTimestamp, nowMs),
    ...containersAndImages(spec.jobTemplate.spec?.template.spec),
    labelSelectorText(spec.jobTemplate.spec?.selector),
  ],
});

const jobOf = ({ spec }: CronJob) => ({ spec: spec.jobTemplate.spec ?? {} });
