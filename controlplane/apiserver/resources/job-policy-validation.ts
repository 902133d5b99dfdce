import { qualifiedName } from "../../../client/rules/names.ts";
import type { Job, PodSpec } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateCount } from "./counts.ts";
import {
  duplicate,
  invalid,
  invalidAltogether,
  notSupported,
  required,
  tooLong,
  tooMany,
} from "./field-errors.ts";
import { countIndexes } from "./job-indexes.ts";

type FailurePolicy = NonNullable<Job["spec"]["podFailurePolicy"]>;
type FailureRule = FailurePolicy["rules"][number];
type SuccessPolicy = NonNullable<Job["spec"]["successPolicy"]>;
type SuccessRule = SuccessPolicy["rules"][number];

const limits = { rules: 20, exitCodes: 255, conditions: 20, indexesTextBytes: 64 * 1024 } as const;
const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const statuses = ["False", "True", "Unknown"];

const valid = (values: readonly string[]) =>
  `valid values: [${values.map((one) => JSON.stringify(one)).join(" ")}]`;

/** spec.podFailurePolicy, in Kubernetes' words. */
export function validateFailurePolicy(spec: Job["spec"], field: string): readonly FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const template: PodSpec = spec.template?.spec ?? { containers: [] };
  const names = new Set([...template.containers, ...(template.initContainers ?? [])].map(({ name }) => name));
  return [
    ...(rules.length > limits.rules ? [tooMany(`${field}.rules`, rules.length, limits.rules)] : []),
    ...rules.flatMap((rule, index) => failureRule(spec, rule, { field: `${field}.rules[${index}]`, names })),
  ];
}

function failureRule(
  spec: Job["spec"],
  rule: FailureRule,
  { field, names }: { readonly field: string; readonly names: ReadonlySet<string> },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (!action) problems.push(required(`${field}.action`, valid(actions)));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined)
    problems.push(invalid(`${field}.action`, action, "requires the backoffLimitPerIndex to be set"));
  else if (!actions.includes(action)) problems.push(notSupported(`${field}.action`, action, actions));
  if (onExitCodes !== undefined)
    problems.push(...exitCodes(onExitCodes, { field: `${field}.onExitCodes`, names }));
  problems.push(...podConditions(onPodConditions, `${field}.onPodConditions`));
  if (onExitCodes !== undefined && onPodConditions.length > 0)
    problems.push(
      invalidAltogether(field, "specifying both OnExitCodes and OnPodConditions is not supported"),
    );
  if (onExitCodes === undefined && onPodConditions.length === 0)
    problems.push(invalidAltogether(field, "specifying one of OnExitCodes and OnPodConditions is required"));
  return problems;
}

function podConditions(
  patterns: NonNullable<FailureRule["onPodConditions"]>,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (patterns.length > limits.conditions) problems.push(tooMany(field, patterns.length, limits.conditions));
  for (const [index, { type, status = "True" }] of patterns.entries()) {
    const at = `${field}[${index}]`;
    problems.push(...qualifiedName(type ?? "").map((text) => invalid(`${at}.type`, type, text)));
    if (!statuses.includes(status)) problems.push(notSupported(`${at}.status`, status, statuses));
  }
  return problems;
}

function exitCodes(
  { containerName, operator, values }: NonNullable<FailureRule["onExitCodes"]>,
  { field, names }: { readonly field: string; readonly names: ReadonlySet<string> },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (!operator) problems.push(required(`${field}.operator`, valid(operators)));
  else if (!operators.includes(operator))
    problems.push(notSupported(`${field}.operator`, operator, operators));
  if (containerName !== undefined && !names.has(containerName))
    problems.push(
      invalid(
        `${field}.containerName`,
        containerName,
        "must be one of the container or initContainer names in the pod template",
      ),
    );
  const codes = values ?? [];
  if (codes.length === 0) problems.push(invalid(`${field}.values`, values, "at least one value is required"));
  else if (codes.length > limits.exitCodes)
    problems.push(tooMany(`${field}.values`, codes.length, limits.exitCodes));
  const seen = new Set<number>();
  for (const [index, code] of codes.entries()) {
    const at = `${field}.values[${index}]`;
    if (operator === "In" && code === 0)
      problems.push(invalid(at, code, "must not be 0 for the In operator"));
    if (seen.has(code)) problems.push(duplicate(at, code));
    seen.add(code);
  }
  if (codes.some((code, index) => index > 0 && (codes[index - 1] ?? 0) > code))
    problems.push(invalid(`${field}.values`, values, "must be ordered"));
  return problems;
}

/** spec.successPolicy of an Indexed Job, in Kubernetes' words. */
export function validateSuccessPolicy(spec: Job["spec"], field: string): readonly FieldError[] {
  const rules = spec.successPolicy?.rules ?? [];
  const problems: FieldError[] = [];
  if (rules.length === 0)
    problems.push(
      required(`${field}.rules`, "at least one rules must be specified when the successPolicy is specified"),
    );
  if (rules.length > limits.rules) problems.push(tooMany(`${field}.rules`, rules.length, limits.rules));
  for (const [index, rule] of rules.entries())
    problems.push(...successRule(rule, spec.completions ?? 0, `${field}.rules[${index}]`));
  return problems;
}

function successRule(
  { succeededCount: count, succeededIndexes: indexes }: SuccessRule,
  completions: number,
  field: string,
): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (count === undefined && indexes === undefined)
    problems.push(required(field, "at least one of succeededCount or succeededIndexes must be specified"));
  let total = 0;
  if (indexes !== undefined) {
    if (indexes.length > limits.indexesTextBytes)
      problems.push(tooLong(`${field}.succeededIndexes`, limits.indexesTextBytes));
    const read = countIndexes(indexes, completions);
    if (typeof read === "number") total = read;
    else
      problems.push(
        invalid(`${field}.succeededIndexes`, indexes, `error parsing succeededIndexes: ${read.problem}`),
      );
  }
  if (count === undefined) return problems;
  problems.push(...validateCount(count, `${field}.succeededCount`));
  const atMost = (most: number, what: string) =>
    invalid(
      `${field}.succeededCount`,
      count,
      `must be less than or equal to ${most} (the number of ${what})`,
    );
  if (count > completions) problems.push(atMost(completions, "specified completions"));
  if (indexes !== undefined && count > total)
    problems.push(atMost(total, "indexes in the specified succeededIndexes field"));
  return problems;
}
