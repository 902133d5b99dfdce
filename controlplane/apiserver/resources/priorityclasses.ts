import { dns1123Subdomain } from "../../../client/rules/names.ts";
import type { PriorityClass } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { forbidden, immutable, notSupported } from "./field-errors.ts";
import { systemPriorityClasses } from "./system-priority-classes.ts";
import { kindOf } from "./typed-kind.ts";

const systemPrefix = "system-";
/** What lies above is the system's. */
const valueMax = 1_000_000_000;
const preemptionPolicies = ["Never", "PreemptLowerPriority"];

export const priorityClasses = kindOf<PriorityClass>({
  group: "scheduling.k8s.io",
  version: "v1",
  kind: "PriorityClass",
  plural: "priorityclasses",
  singular: "priorityclass",
  shortNames: ["pc"],
  categories: [],
  namespaced: false,
  hasSpec: false,
  subresources: {},
  hasGeneration: true,
  nameRule: dns1123Subdomain,
  applyDefaults(priorityClass) {
    priorityClass.preemptionPolicy ??= "PreemptLowerPriority";
    priorityClass.value ??= 0;
  },
  validate({ metadata, value = 0, globalDefault = false, preemptionPolicy: policy }) {
    const problems: FieldError[] = [];
    if (metadata.name.startsWith(systemPrefix)) {
      const problem = systemClassProblem(metadata.name, value, globalDefault);
      if (problem !== undefined) {
        const text = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${problem}`;
        problems.push(forbidden("metadata.name", text));
      }
    } else if (value > valueMax)
      problems.push(forbidden("value", `maximum allowed value of a user defined priority is ${valueMax}`));
    if (policy !== undefined && !preemptionPolicies.includes(policy))
      problems.push(notSupported("preemptionPolicy", policy, ["PreemptLowerPriority", "Never"]));
    return problems;
  },
  validateUpdate: (next, current) => [
    ...(next.value === current.value ? [] : [forbidden("value", "may not be changed in an update.")]),
    ...immutable("preemptionPolicy", next.preemptionPolicy, current.preemptionPolicy),
  ],
  columns: [
    column("Value", "integer"),
    column("Global-Default", "boolean"),
    ageColumn,
    column("PreemptionPolicy"),
  ],
  cells: ({ metadata, value = 0, globalDefault, preemptionPolicy }, nowMs) => [
    value,
    globalDefault ?? false,
    age(metadata.creationTimestamp, nowMs),
    preemptionPolicy ?? "",
  ],
});

function systemClassProblem(name: string, value: number, globalDefault: boolean): string | undefined {
  const known = systemPriorityClasses.find((one) => one.name === name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (value !== known.value) return `value of ${name} PriorityClass must be ${known.value}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}
