import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Job } from "../../../client/types.ts";
import {
  age,
  ageColumn,
  column,
  containersAndImages,
  durationText,
  labelSelectorText,
  podTemplateColumns,
} from "./cell-text.ts";
import { dropDisabledTemplate } from "./disabled-fields.ts";
import { validateJobStatus } from "./job-status-validation.ts";
import { validateJobUpdate } from "./job-update.ts";
import { validateJob } from "./job-validation.ts";
import { defaultTemplate } from "./pod-defaults.ts";
import { ownerWarnings, templateWarnings } from "./pod-warnings.ts";
import { clearStatus, keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

export const jobs = kindOf<Job>({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  singular: "job",
  shortNames: [],
  categories: ["all"],
  namespaced: true,
  storagePrefix: "jobs",
  hasGeneration: true,
  orphansByDefault: true,
  deletionWarning:
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning",
  subresources: { status: true },
  nameRule: dns1123Subdomain,
  applyDefaults({ spec, metadata }) {
    // Neither given: one run. Only parallelism given: a work queue, which leaves completions open.
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2 ** 31 - 1;
    spec.completionMode ??= "NonIndexed";
    spec.suspend ??= false;
    spec.manualSelector ??= false;
    spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
    defaultFailurePolicy(spec.podFailurePolicy);
    const labels = spec.template?.metadata?.labels;
    if (labels !== undefined && Object.keys(metadata.labels ?? {}).length === 0)
      metadata.labels = { ...labels };
    defaultTemplate(spec);
  },
  prepareForCreate(job) {
    clearStatus(job);
    generateSelector(job);
  },
  prepareForUpdate: keepStatus,
  dropDisabled: dropDisabledTemplate,
  validate: validateJob,
  validateUpdate: validateJobUpdate,
  validateStatus: validateJobStatus,
  warnings: (next, current) => ownerWarnings(next, current, jobSpecWarnings(next.spec, "spec")),
  selectableFields: ({ status }) => ({ "status.successful": String(status?.succeeded ?? 0) }),
  columns: [column("Status"), column("Completions"), column("Duration"), ageColumn, ...podTemplateColumns],
  cells: (job, nowMs) => [
    statusText(job),
    completionsText(job),
    runText(job, nowMs),
    age(job.metadata.creationTimestamp, nowMs),
    ...containersAndImages(job.spec.template?.spec),
    labelSelectorText(job.spec.selector),
  ],
});

const completionsSoftMax = 100_000;
const parallelismSoftMax = 10_000;

/** Of a job's spec at `field`. */
export function jobSpecWarnings(spec: Partial<Job["spec"]>, field: string): readonly string[] {
  const isIndexed = spec.completionMode === "Indexed";
  const isMany = (spec.completions ?? 0) > completionsSoftMax && (spec.parallelism ?? 0) > parallelismSoftMax;
  const text =
    "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
  return [
    ...(isIndexed && isMany ? [`${field}: ${text}`] : []),
    ...templateWarnings(spec.template, `${field}.template`),
  ];
}

/** Rules speak of conditions that hold, unless they say otherwise; mutates. */
export function defaultFailurePolicy(policy: Job["spec"]["podFailurePolicy"]): void {
  for (const { onPodConditions = [] } of policy?.rules ?? [])
    for (const condition of onPodConditions) condition.status ||= "True";
}

/** A job's pods are its own by its uid, unless the user takes care of that (manualSelector). */
function generateSelector({ spec, metadata }: Job): void {
  if (spec.manualSelector === true || metadata.uid === undefined) return;
  spec.template.metadata ??= {};
  const labels = spec.template.metadata.labels ?? {};
  for (const prefix of ["", "batch.kubernetes.io/"]) {
    labels[`${prefix}controller-uid`] ??= metadata.uid;
    labels[`${prefix}job-name`] ??= metadata.name;
  }
  spec.template.metadata.labels = labels;
  if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  spec.selector ??= {};
  spec.selector.matchLabels ??= {};
  spec.selector.matchLabels["batch.kubernetes.io/controller-uid"] ??= metadata.uid;
}

function statusText({ status, metadata }: Job): string {
  const has = (wanted: string) =>
    status?.conditions?.some(({ type, status: value }) => type === wanted && value === "True") === true;
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  if (has("Suspended")) return "Suspended";
  if (has("FailureTarget")) return "FailureTarget";
  if (has("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return "Running";
}

function completionsText({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  const parallelism = spec.parallelism ?? 0;
  return parallelism > 1 ? `${done}/1 of ${parallelism}` : `${done}/1`;
}

function runText({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return "";
  const endMs = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime);
  return durationText(endMs - Date.parse(status.startTime));
}
