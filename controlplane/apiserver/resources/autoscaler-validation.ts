import { compareQuantities } from "../../../base/quantity.ts";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { validateMetric } from "./autoscaler-metric-validation.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { scaledObjectProblems, versionProblem } from "./scaled-object.ts";

type Spec = HorizontalPodAutoscaler["spec"];
type Rules = NonNullable<NonNullable<Spec["behavior"]>["scaleUp"]>;
type Policy = NonNullable<Rules["policies"]>[number];

const stabilizationSecondsMax = 3600;
const periodSecondsMax = 1800;

/** What a kube-apiserver refuses of an autoscaler. What was stored before the rules is left alone. */
export function validateAutoscaler(
  { spec }: HorizontalPodAutoscaler,
  current: HorizontalPodAutoscaler | undefined,
): readonly FieldError[] {
  const { minReplicas, maxReplicas = 0, scaleTargetRef: target, metrics = [], behavior } = spec;
  const lowest = current?.spec.minReplicas === 0 ? 0 : 1;
  const problems: FieldError[] = [];
  if (minReplicas !== undefined && minReplicas < lowest)
    problems.push(invalid("spec.minReplicas", minReplicas, `must be greater than or equal to ${lowest}`));
  if (maxReplicas === 0) problems.push(required("spec.maxReplicas", "must be set and greater than 0"));
  else if (maxReplicas < 0)
    problems.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to 1"));
  if (minReplicas !== undefined && maxReplicas < minReplicas)
    problems.push(invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`"));
  const before = current?.spec.scaleTargetRef;
  const keepsKind =
    before !== undefined && before.kind === target?.kind && before.apiVersion === target?.apiVersion;
  problems.push(
    ...scaledObjectProblems(target, "spec.scaleTargetRef", {
      anyVersion: keepsKind,
      coreGroup: target?.kind === "ReplicationController",
    }),
  );
  const anyVersion = current?.spec.metrics?.some(
    ({ type, object }) =>
      type === "Object" &&
      object !== undefined &&
      versionProblem(object.describedObject?.apiVersion ?? "", { coreGroup: true }) !== undefined,
  );
  metrics.forEach((metric, index) => {
    problems.push(...validateMetric(metric, `spec.metrics[${index}]`, { anyVersion: anyVersion ?? false }));
  });
  if (minReplicas === 0 && !metrics.some(({ type }) => type === "Object" || type === "External"))
    problems.push(
      forbidden(
        "spec.metrics",
        "must specify at least one Object or External metric to support scaling to zero replicas",
      ),
    );
  return [
    ...problems,
    ...validateRules(behavior?.scaleUp, "spec.behavior.scaleUp"),
    ...validateRules(behavior?.scaleDown, "spec.behavior.scaleDown"),
  ];
}

function validateRules(rules: Rules | undefined, field: string): readonly FieldError[] {
  if (rules === undefined) return [];
  const { stabilizationWindowSeconds: seconds = 0, selectPolicy, policies = [], tolerance } = rules;
  const problems: FieldError[] = [];
  if (seconds < 0)
    problems.push(
      invalid(`${field}.stabilizationWindowSeconds`, seconds, "must be greater than or equal to zero"),
    );
  if (seconds > stabilizationSecondsMax)
    problems.push(
      invalid(
        `${field}.stabilizationWindowSeconds`,
        seconds,
        `must be less than or equal to ${stabilizationSecondsMax}`,
      ),
    );
  const selections = ["Disabled", "Max", "Min"];
  if (selectPolicy !== undefined && !selections.includes(selectPolicy))
    problems.push(notSupported(`${field}.selectPolicy`, selectPolicy, selections));
  if (policies.length === 0) problems.push(required(`${field}.policies`, "must specify at least one Policy"));
  policies.forEach((policy, index) => {
    problems.push(...validatePolicy(policy, `${field}.policies[${index}]`));
  });
  if (tolerance !== undefined && compareQuantities(tolerance, "0") < 0)
    problems.push(invalid(`${field}.tolerance`, tolerance, "must be greater than or equal to 0"));
  return problems;
}

function validatePolicy({ type, value, periodSeconds }: Policy, field: string): readonly FieldError[] {
  const types = ["Percent", "Pods"];
  const problems: FieldError[] = [];
  if (!types.includes(type)) problems.push(notSupported(`${field}.type`, type ?? "", types));
  if ((value ?? 0) <= 0) problems.push(invalid(`${field}.value`, value ?? 0, "must be greater than zero"));
  if ((periodSeconds ?? 0) <= 0)
    problems.push(invalid(`${field}.periodSeconds`, periodSeconds ?? 0, "must be greater than zero"));
  if (periodSeconds > periodSecondsMax)
    problems.push(
      invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${periodSecondsMax}`),
    );
  return problems;
}
