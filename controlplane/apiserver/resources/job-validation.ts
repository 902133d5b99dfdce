import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { dns1123Label, dns1123Subdomain } from "../../../client/rules/names.ts";
import type { Job } from "../../../client/types.ts";
import type { ClusterFacts, FieldError } from "../registry/kind.ts";
import { GoForm } from "../schema/go-form.ts";
import { validateCount } from "./counts.ts";
import { invalid, notSupported, required, selectorShown, textsShown, tooLong } from "./field-errors.ts";
import { validateFailurePolicy, validateSuccessPolicy } from "./job-policy-validation.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateTemplate } from "./workload-validation.ts";

const parallelismMaxIndexed = 100_000;
const failedIndexesMax = 100_000;
/** Beyond so many completions, limits per index must stay small. */
const manyCompletions = 100_000;
const manyCompletionsMax = 10_000;
const managedByMax = 63;
const labelPrefix = "batch.kubernetes.io/";

export function validateJob(
  job: Job,
  _facts?: ClusterFacts,
  current?: Job,
  part?: "status",
): readonly FieldError[] {
  if (part === "status") return [];
  return [...validateGenerated(job, current), ...validateOwnSpec(job), ...validateHostNames(job)];
}

/** A job's spec with its selector. */
export function validateOwnSpec({ spec }: Job): readonly FieldError[] {
  const selector =
    spec.selector === undefined
      ? [required("spec.selector")]
      : validateLabelSelector(spec.selector, "spec.selector");
  return [...validateJobSpec(spec, "spec"), ...selector, ...selectsOwn(spec)];
}

/** Unless the user cares for it, a job's selector and the labels that it finds are made of the job's uid and name. */
function validateGenerated({ spec, metadata }: Job, current?: Job): readonly FieldError[] {
  if (spec.manualSelector === true || spec.selector === undefined) return [];
  const { uid, name } = metadata;
  const legacy = { "controller-uid": uid, "job-name": name };
  const prefixed = { [`${labelPrefix}controller-uid`]: uid, [`${labelPrefix}job-name`]: name };
  const had = current?.spec.template?.metadata?.labels ?? {};
  // Jobs of old have only the labels without prefix.
  const isOld = current !== undefined && Object.keys(prefixed).some((label) => !Object.hasOwn(had, label));
  const labels = spec.template?.metadata?.labels ?? {};
  const expected = { ...legacy, ...(!isOld && prefixed) };
  const problems = Object.entries(expected).flatMap(([label, value]) => {
    const field = `spec.template.metadata.labels[${label}]`;
    if (!Object.hasOwn(labels, label)) return [required(field, `must be '${value}'`)];
    return labels[label] === value ? [] : [invalid(field, textsShown(labels), `must be '${value}'`)];
  });
  const isMade =
    validateLabelSelector(spec.selector, "").length > 0 ||
    matchesLabels(selectorFromLabelSelector(spec.selector), expected);
  const problem = () =>
    invalid("spec.selector", selectorShown(spec.selector), "`selector` not auto-generated");
  return isMade ? problems : [...problems, problem()];
}

/** The pods of an indexed job are called by their index. */
function validateHostNames({ spec, metadata: { name } }: Job): readonly FieldError[] {
  if (spec.completionMode !== "Indexed" || (spec.completions ?? 0) <= 0) return [];
  const last = `${name}-${(spec.completions ?? 0) - 1}`;
  if (dns1123Label(last).length === 0) return [];
  return [invalid("metadata.name", name, `will not able to create pod with invalid DNS label: ${last}`)];
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
        : [
            invalid(
              `${field}.successPolicy`,
              new GoForm("batch.SuccessPolicy", spec.successPolicy),
              "requires indexed completion mode",
            ),
          ]),
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

/** A selector must find the pods that the job makes; none finds nothing. */
function selectsOwn({ selector, template }: Job["spec"]): readonly FieldError[] {
  const labels = template?.metadata?.labels;
  if (validateLabelSelector(selector, "").length > 0) return [];
  if (matchesLabels(selectorFromLabelSelector(selector), labels ?? {})) return [];
  const text = "`selector` does not match template `labels`";
  return [invalid("spec.template.metadata.labels", textsShown(labels), text)];
}

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
