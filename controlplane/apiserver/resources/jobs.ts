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
import { validateJob, validateJobUpdate } from "./job-validation.ts";
import { dns1123Subdomain } from "./names.ts";
import { defaultTemplate } from "./pod-defaults.ts";
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

function statusText({ spec, status, metadata }: Job): string {
  const has = (wanted: string) =>
    status?.conditions?.some(({ type, status: value }) => type === wanted && value === "True") === true;
  if (has("Complete")) return "Complete";
  if (has("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  if (has("Suspended")) return "Suspended";
  if (has("FailureTarget")) return "FailureTarget";
  if (has("SuccessCriteriaMet")) return "SuccessCriteriaMet";
  return spec.suspend === true ? "Suspended" : "Running";
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
