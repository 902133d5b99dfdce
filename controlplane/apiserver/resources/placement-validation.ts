import { labelValue, qualifiedName } from "../../../client/rules/names.ts";
import type { PodSpec, Toleration } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required } from "./field-errors.ts";
import { validateLabelSelector } from "./labels.ts";
import { validateMatchLabelKeys } from "./match-label-keys.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const unsatisfiable = ["DoNotSchedule", "ScheduleAnyway"];
const inclusions = ["Honor", "Ignore"];

/** Where a pod may run, beside its affinity: what it tolerates and how it spreads. */

export function validateTolerations(
  tolerations: readonly Toleration[] | undefined,
  field: string,
): readonly FieldError[] {
  return (tolerations ?? []).flatMap((one, index) => validateToleration(one, `${field}[${index}]`));
}

function validateToleration(toleration: Toleration, field: string): readonly FieldError[] {
  const { key = "", operator = "", value = "", effect = "", tolerationSeconds } = toleration;
  const problems: FieldError[] = [];
  if (key !== "") problems.push(...qualifiedName(key).map((text) => invalid(`${field}.key`, key, text)));
  if (key === "" && operator !== "Exists") {
    const text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    problems.push(invalid(`${field}.operator`, operator, text));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute")
    problems.push(
      invalid(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
    );
  problems.push(...validateOperator(operator, value, `${field}.operator`));
  if (effect !== "" && !effects.includes(effect))
    problems.push(notSupported(`${field}.effect`, effect, effects));
  return problems;
}

function validateOperator(operator: string, value: string, field: string): readonly FieldError[] {
  switch (operator) {
    case "":
    case "Equal": {
      const texts = labelValue(value);
      return texts.length === 0 ? [] : [invalid(field, value, texts.join(";"))];
    }
    case "Exists":
      return value === "" ? [] : [invalid(field, value, "value must be empty when `operator` is 'Exists'")];
    // Known, and off in Kubernetes.
    case "Gt":
    case "Lt":
      return [notSupported(field, operator, ["Equal", "Exists", "Lt", "Gt"])];
    default:
      return [notSupported(field, operator, ["Equal", "Exists"])];
  }
}

type Spread = NonNullable<PodSpec["topologySpreadConstraints"]>[number];

export function validateSpread(
  constraints: readonly Spread[] | undefined,
  field: string,
): readonly FieldError[] {
  return (constraints ?? []).flatMap((one, index, all) => {
    const at = `${field}[${index}]`;
    const { maxSkew, topologyKey, whenUnsatisfiable: action, labelSelector } = one;
    const problems: FieldError[] = [];
    if (maxSkew <= 0) problems.push(invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero"));
    if (!topologyKey) problems.push(required(`${at}.topologyKey`, "can not be empty"));
    if (!unsatisfiable.includes(action))
      problems.push(notSupported(`${at}.whenUnsatisfiable`, action, unsatisfiable));
    const later = all.slice(index + 1);
    if (later.some((next) => next.topologyKey === topologyKey && next.whenUnsatisfiable === action)) {
      const pair = "{topologyKey, whenUnsatisfiable}";
      problems.push(duplicate(`${at}.${pair}`, `{${topologyKey}, ${action}}`));
    }
    problems.push(...validateMinDomains(one, `${at}.minDomains`));
    for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      const policy = one[name];
      if (policy !== undefined && !inclusions.includes(policy))
        problems.push(notSupported(`${at}.${name}`, policy, inclusions));
    }
    problems.push(...validateMatchLabelKeys(one, at));
    return [...problems, ...validateLabelSelector(labelSelector, `${at}.labelSelector`)];
  });
}

function validateMinDomains({ minDomains, whenUnsatisfiable }: Spread, field: string): readonly FieldError[] {
  if (minDomains === undefined) return [];
  const problems: FieldError[] = [];
  if (minDomains <= 0) problems.push(invalid(field, minDomains, "must be greater than zero"));
  if (whenUnsatisfiable !== "DoNotSchedule") {
    const text = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
    problems.push(invalid(field, minDomains, text));
  }
  return problems;
}
