import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type { Job } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateCount } from "./counts.ts";
import { immutable, invalid, notSupported, required, tooLong } from "./field-errors.ts";
import { validateFailurePolicy, validateSuccessPolicy } from "./job-policy-validation.ts";
import { validateLabelSelector } from "./labels.ts";
import { dns1123Subdomain } from "./names.ts";
import { validateTemplate } from "./workload-validation.ts";

const parallelismMaxIndexed = 100_000;
const failedIndexesMax = 100_000;
/** Beyond so many completions, limits per index must stay small. */
const manyCompletions = 100_000;
const manyCompletionsMax = 10_000;
const managedByMax = 63;

export function validateJob({ spec }: Job): readonly FieldError[] {
  const selector =
    spec.selector === undefined
      ? [required("spec.selector")]
      : [...validateLabelSelector(spec.selector, "spec.selector"), ...selectsOwn(spec)];
  return [...validateJobSpec(spec, "spec"), ...selector];
}

/** A job's spec at `field`, in a job or in the template of one; its selector is the job's own affair. */
export function validateJobSpec(spec: Job["spec"], field: string): readonly FieldError[] {
  const counts = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const;
  const problems: FieldError[] = counts.flatMap((name) => validateCount(spec[name], `${field}.${name}`));
  problems.push(
    ...validateCompletionMode(spec, field),
    ...validateManagedBy(spec.managedBy, `${field}.managedBy`),
  );
  if (spec.podFailurePolicy !== undefined)
    problems.push(...validateFailurePolicy(spec, `${field}.podFailurePolicy`));
  if (spec.successPolicy !== undefined)
    problems.push(
      ...(spec.completionMode === "Indexed"
        ? validateSuccessPolicy(spec, `${field}.successPolicy`)
        : [invalid(`${field}.successPolicy`, inGo(spec.successPolicy), "requires indexed completion mode")]),
    );
  problems.push(...validateReplacement(spec, `${field}.podReplacementPolicy`));
  if (spec.template === undefined) return [...problems, required(`${field}.template`)];
  const policies = ["OnFailure", "Never"];
  const template = validateTemplate(spec.template, `${field}.template`, policies);
  const unsaid = spec.template.spec?.restartPolicy === "Always";
  problems.push(...template.map((problem) => (unsaid ? requiredPolicy(problem) : problem)));
  const restartPolicy = spec.template.spec?.restartPolicy;
  if (spec.podFailurePolicy !== undefined && restartPolicy === "OnFailure")
    problems.push(
      invalid(
        `${field}.template.spec.restartPolicy`,
        restartPolicy,
        'only "Never" is supported when podFailurePolicy is specified',
      ),
    );
  return problems;
}

/** A selector that somebody chose must find the pods that the job makes. */
function selectsOwn({ selector, template }: Job["spec"]): readonly FieldError[] {
  const labels = template?.metadata?.labels;
  if (selector === undefined || validateLabelSelector(selector, "").length > 0) return [];
  if (matchesLabels(selectorFromLabelSelector(selector), labels ?? {})) return [];
  return [invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")];
}

/** As Kubernetes' message shows it. */
const inGo = ({ rules }: NonNullable<Job["spec"]["successPolicy"]>) => ({
  Rules: rules.map(({ succeededIndexes = null, succeededCount = null }) => ({
    SucceededIndexes: succeededIndexes,
    SucceededCount: succeededCount,
  })),
});

function validateCompletionMode(spec: Job["spec"], field: string): readonly FieldError[] {
  const { completionMode, completions, parallelism, backoffLimitPerIndex, maxFailedIndexes } = spec;
  const problems: FieldError[] = [];
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined)
    problems.push(required(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified"));
  const modes = ["NonIndexed", "Indexed"];
  // The template of a job may leave it open.
  if (completionMode !== undefined && !modes.includes(completionMode))
    return [...problems, notSupported(`${field}.completionMode`, completionMode, modes)];
  if (completionMode !== "Indexed") {
    for (const [name, value] of Object.entries({ backoffLimitPerIndex, maxFailedIndexes }))
      if (value !== undefined)
        problems.push(invalid(`${field}.${name}`, value, "requires indexed completion mode"));
    return problems;
  }
  if (completions === undefined)
    problems.push(required(`${field}.completions`, "when completion mode is Indexed"));
  if ((parallelism ?? 0) > parallelismMaxIndexed)
    problems.push(
      invalid(
        `${field}.parallelism`,
        parallelism,
        `must be less than or equal to ${parallelismMaxIndexed} when completion mode is Indexed`,
      ),
    );
  if (completions === undefined) return problems;
  if (maxFailedIndexes !== undefined && maxFailedIndexes > completions)
    problems.push(
      invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, "must be less than or equal to completions"),
    );
  if ((maxFailedIndexes ?? 0) > failedIndexesMax)
    problems.push(
      invalid(
        `${field}.maxFailedIndexes`,
        maxFailedIndexes,
        `must be less than or equal to ${failedIndexesMax}`,
      ),
    );
  if (completions > manyCompletions && backoffLimitPerIndex !== undefined)
    problems.push(...validateManyCompletions(spec, field));
  return problems;
}

function validateManyCompletions(
  { parallelism, maxFailedIndexes }: Job["spec"],
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (maxFailedIndexes === undefined)
    problems.push(
      required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`),
    );
  for (const [name, value] of Object.entries({ parallelism, maxFailedIndexes }))
    if ((value ?? 0) > manyCompletionsMax)
      problems.push(
        invalid(
          `${field}.${name}`,
          value,
          `must be less than or equal to ${manyCompletionsMax} when completions are above ${manyCompletions} and used with backoff limit per index`,
        ),
      );
  return problems;
}

/** A path such as `acme.io/foo`. */
function validateManagedBy(managedBy: string | undefined, field: string): readonly FieldError[] {
  if (managedBy === undefined) return [];
  if (managedBy === "") return [required(field)];
  const slash = managedBy.indexOf("/");
  const [host, path] = [managedBy.slice(0, Math.max(0, slash)), managedBy.slice(slash + 1)];
  const problems: FieldError[] = [];
  if (host === "" || path === "")
    problems.push(invalid(field, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")'));
  else {
    problems.push(...dns1123Subdomain(host).map((text) => invalid(field, host, text)));
    if (problems.length === 0 && !/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path))
      problems.push(
        invalid(
          field,
          path,
          "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ),
      );
  }
  if (managedBy.length > managedByMax) problems.push(tooLong(field, managedByMax));
  return problems;
}

function validateReplacement(
  { podReplacementPolicy, podFailurePolicy }: Job["spec"],
  field: string,
): readonly FieldError[] {
  const allowed = podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  return podReplacementPolicy === undefined || allowed.includes(podReplacementPolicy)
    ? []
    : [notSupported(field, podReplacementPolicy, allowed)];
}

/** Always is the default of pods, so the user most likely forgot to choose; Kubernetes says so in these words. */
function requiredPolicy(problem: FieldError): FieldError {
  if (!problem.field.endsWith(".restartPolicy") || problem.reason !== "FieldValueNotSupported")
    return problem;
  return required(problem.field, 'valid values: "OnFailure", "Never"');
}

export function validateJobUpdate(next: Job, current: Job): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { completions, completionMode } = next.spec;
  // An indexed job may be resized if all its indexes run at once.
  const resized = completionMode === "Indexed" && completions === next.spec.parallelism;
  if (!resized) problems.push(...immutable("spec.completions", completions, current.spec.completions));
  problems.push(...immutable("spec.selector", next.spec.selector, current.spec.selector));
  if (!sameTemplate(next, current))
    problems.push(...immutable("spec.template", next.spec.template, current.spec.template));
  problems.push(...immutable("spec.completionMode", completionMode, current.spec.completionMode));
  for (const name of ["podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] as const)
    problems.push(...immutable(`spec.${name}`, next.spec[name], current.spec[name]));
  return problems;
}

/** While a job is suspended and has not started, where its pods may run can still change. */
function sameTemplate(next: Job, current: Job): boolean {
  const suspended = current.spec.suspend === true && current.status?.startTime === undefined;
  const stripped = ({ spec: { template } }: Job) => {
    if (!suspended) return template;
    const { nodeSelector, affinity, tolerations, schedulingGates, ...rest } = template.spec ?? {
      containers: [],
    };
    return { spec: rest };
  };
  return sameValue(stripped(next), stripped(current));
}
