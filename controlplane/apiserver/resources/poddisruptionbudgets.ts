import { pathSegment } from "../../../client/rules/names.ts";
import type { PodDisruptionBudget } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { age, ageColumn, column } from "./cell-text.ts";
import { validateConditions } from "./condition-validation.ts";
import { validateCount, validateShare } from "./counts.ts";
import { invalid, notSupported } from "./field-errors.ts";
import { fillIn } from "./fill-in.ts";
import { validateLabelSelector } from "./labels.ts";
import { keepStatus } from "./status.ts";
import { kindOf } from "./typed-kind.ts";

const counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;
const nothingYet = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };

export const podDisruptionBudgets = kindOf<PodDisruptionBudget>({
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  singular: "poddisruptionbudget",
  shortNames: ["pdb"],
  categories: [],
  namespaced: true,
  needsVersion: true,
  storagePrefix: "poddisruptionbudgets",
  hasGeneration: true,
  subresources: { status: true },
  // Nobody in Kubernetes looks closer at the name.
  nameRule: pathSegment,
  applyDefaults(object) {
    fillIn(object, "status", nothingYet);
  },
  prepareForCreate(object) {
    object.status = { ...nothingYet };
  },
  prepareForUpdate: keepStatus,
  metadataLast: true,
  validate: ({ spec, status }) => [...validateSpec(spec), ...validateStatus(status)],
  columns: [
    column("Min Available"),
    column("Max Unavailable"),
    column("Allowed Disruptions", "integer"),
    ageColumn,
  ],
  cells: ({ spec, status, metadata }, nowMs) => [
    String(spec.minAvailable ?? "N/A"),
    String(spec.maxUnavailable ?? "N/A"),
    status?.disruptionsAllowed ?? 0,
    age(metadata.creationTimestamp, nowMs),
  ],
});

function validateSpec(spec: PodDisruptionBudget["spec"]): readonly FieldError[] {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec;
  const problems: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    const shown = {
      MinAvailable: minAvailable,
      Selector: selector ?? null,
      MaxUnavailable: maxUnavailable,
      UnhealthyPodEvictionPolicy: policy ?? null,
    };
    problems.push(invalid("spec", shown, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const [name, value] of Object.entries({ minAvailable, maxUnavailable }))
    if (value !== undefined) problems.push(...validateShare(value, `spec.${name}`, { percentMax: 100 }));
  problems.push(...validateLabelSelector(selector, "spec.selector"));
  const policies = ["AlwaysAllow", "IfHealthyBudget"];
  if (policy !== undefined && !policies.includes(policy))
    problems.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, policies));
  return problems;
}

function validateStatus(status: PodDisruptionBudget["status"]): readonly FieldError[] {
  return [
    ...validateConditions(status?.conditions, "status.conditions"),
    ...counts.flatMap((name) => validateCount(status?.[name], `status.${name}`)),
  ];
}
