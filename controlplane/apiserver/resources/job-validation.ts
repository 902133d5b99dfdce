import type { Job } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateCount } from "./counts.ts";
import { immutable, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateTemplate } from "./workload-validation.ts";

const indexedCompletionsMax = 100_000;

export function validateJob({ spec }: Job): readonly FieldError[] {
  const counts = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const;
  const problems: FieldError[] = counts.flatMap((name) => validateCount(spec[name], `spec.${name}`));
  if (spec.selector === undefined) problems.push(required("spec.selector"));
  else problems.push(...validateLabelSelector(spec.selector, "spec.selector"));
  if (spec.completionMode === "Indexed") {
    if (spec.completions === undefined)
      problems.push(required("spec.completions", "when completion mode is Indexed"));
    else if (spec.completions > indexedCompletionsMax && (spec.parallelism ?? 0) > indexedCompletionsMax)
      problems.push(
        invalid(
          "spec.parallelism",
          spec.parallelism,
          `must be less than or equal to ${indexedCompletionsMax} when completion mode is Indexed`,
        ),
      );
  } else if (spec.completionMode !== "NonIndexed") {
    problems.push(notSupported("spec.completionMode", spec.completionMode, ["NonIndexed", "Indexed"]));
  } else if (spec.backoffLimitPerIndex !== undefined) {
    problems.push(
      invalid("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, "requires indexed completion mode"),
    );
  }
  if (spec.template === undefined) return [...problems, required("spec.template")];
  const policies = ["OnFailure", "Never"];
  const template = validateTemplate(spec.template, "spec.template", policies);
  const unsaid = spec.template.spec?.restartPolicy === "Always";
  problems.push(...template.map((problem) => (unsaid ? requiredPolicy(problem) : problem)));
  return problems;
}

/** Always is the default of pods, so the user most likely forgot to choose; Kubernetes says so in these words. */
function requiredPolicy(problem: FieldError): FieldError {
  if (!problem.field.endsWith(".restartPolicy") || problem.reason !== "FieldValueNotSupported")
    return problem;
  return {
    ...problem,
    message: 'Unsupported value: "Always": supported values: "OnFailure", "Never"',
  };
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
  problems.push(
    ...immutable("spec.podFailurePolicy", next.spec.podFailurePolicy, current.spec.podFailurePolicy),
  );
  problems.push(
    ...immutable(
      "spec.backoffLimitPerIndex",
      next.spec.backoffLimitPerIndex,
      current.spec.backoffLimitPerIndex,
    ),
  );
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
