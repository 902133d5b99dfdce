import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import { dns1123Label } from "../../../client/rules/names.ts";
import type { PodTemplateSpec, StatefulSet } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { sameValue } from "../schema/same-value.ts";
import { validateClaimSpec } from "./claim-validation.ts";
import { validateCount, validateCounts, validateShare } from "./counts.ts";
import { forbidden, invalid, notSupported, required } from "./field-errors.ts";
import { isEmptySelector, validateLabelSelector } from "./labels.ts";
import { validateCollisions, validateReplicaStatus } from "./workload-status.ts";
import { noDeadline, validateTemplate } from "./workload-validation.ts";

type Spec = StatefulSet["spec"];

/** @param current What is stored, in an update: what can never change again is not held against it. */
export function validateStatefulSet(
  { spec, status }: StatefulSet,
  current?: StatefulSet,
): readonly FieldError[] {
  if (current === undefined)
    return validateSpec(spec, { isNew: true, checksTemplate: true }).concat(validateStatus(status));
  const before = validateSpec(current.spec, { isNew: false, checksTemplate: true });
  return [
    ...validateSpec(spec, { isNew: false, checksTemplate: before.length === 0 }),
    ...validateStatus(status),
    ...validateCollisions(status, current.status),
  ];
}

export function validateStatefulSetUpdate(next: StatefulSet, current: StatefulSet): readonly FieldError[] {
  const fixed = ({ spec }: StatefulSet) => {
    const {
      replicas: _replicas,
      template: _template,
      updateStrategy: _strategy,
      minReadySeconds: _seconds,
      ordinals: _ordinals,
      revisionHistoryLimit: _limit,
      persistentVolumeClaimRetentionPolicy: _policy,
      ...rest
    } = spec;
    return rest;
  };
  if (sameValue(fixed(next), fixed(current))) return [];
  const text =
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
  return [forbidden("spec", text)];
}

interface How {
  readonly isNew: boolean;
  readonly checksTemplate: boolean;
}

function validateSpec(spec: Spec, how: How): FieldError[] {
  const { serviceName, ordinals, volumeClaimTemplates = [] } = spec;
  return [
    ...validatePolicies(spec),
    ...validateStrategy(spec.updateStrategy),
    ...validateRetention(spec.persistentVolumeClaimRetentionPolicy),
    ...(how.isNew
      ? volumeClaimTemplates.flatMap((claim, index) =>
          validateClaimSpec(claim.spec ?? {}, `spec.volumeClaimTemplates[${index}].spec`),
        )
      : []),
    ...validateCount(spec.replicas, "spec.replicas"),
    ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateCount(ordinals?.start, "spec.ordinals.start"),
    ...(how.isNew && serviceName
      ? dns1123Label(serviceName).map((text) => invalid("spec.serviceName", serviceName, text))
      : []),
    ...validateSelector(spec, how),
    ...validateRestart(spec.template),
  ];
}

function validatePolicies({ podManagementPolicy }: Spec): readonly FieldError[] {
  if (podManagementPolicy === "OrderedReady" || podManagementPolicy === "Parallel") return [];
  const text = "must be 'OrderedReady' or 'Parallel'";
  return [invalid("spec.podManagementPolicy", podManagementPolicy, text)];
}

type Strategy = NonNullable<Spec["updateStrategy"]>;
type Rolling = NonNullable<Strategy["rollingUpdate"]>;

/** As Kubernetes' messages show it. */
const inGo = ({ partition = 0, maxUnavailable = null }: Partial<Wide<Rolling>>) => ({
  Partition: partition,
  MaxUnavailable: maxUnavailable,
});
type Wide<T> = { [N in keyof T]: T[N] | null };

function validateStrategy({ type, rollingUpdate }: Strategy = {}): readonly FieldError[] {
  const field = "spec.updateStrategy";
  switch (type) {
    case "OnDelete":
      return rollingUpdate === undefined
        ? []
        : [
            invalid(
              `${field}.rollingUpdate`,
              inGo(rollingUpdate),
              "only allowed for updateStrategy 'RollingUpdate'",
            ),
          ];
    case "RollingUpdate":
      return rollingUpdate === undefined ? [] : validateRolling(rollingUpdate, `${field}.rollingUpdate`);
    default: {
      const shown = { Type: type, RollingUpdate: rollingUpdate === undefined ? null : inGo(rollingUpdate) };
      return [invalid(field, shown, "must be 'RollingUpdate' or 'OnDelete'")];
    }
  }
}

function validateRolling({ partition, maxUnavailable }: Rolling, field: string): readonly FieldError[] {
  const problems = [...validateCount(partition, `${field}.partition`)];
  if (maxUnavailable === undefined) return problems;
  const at = `${field}.maxUnavailable`;
  problems.push(...validateShare(maxUnavailable, at, { percentMax: 100 }));
  if (Number.parseInt(String(maxUnavailable), 10) === 0)
    problems.push(invalid(at, maxUnavailable, "cannot be 0"));
  return problems;
}

function validateRetention(policy: Spec["persistentVolumeClaimRetentionPolicy"] = {}): readonly FieldError[] {
  const allowed = ["Retain", "Delete"];
  return (["whenDeleted", "whenScaled"] as const).flatMap((name) => {
    const value = policy[name];
    return value !== undefined && allowed.includes(value)
      ? []
      : [notSupported(`spec.persistentVolumeClaimRetentionPolicy.${name}`, value, allowed)];
  });
}

function validateSelector(spec: Spec, how: How): readonly FieldError[] {
  const { selector, template } = spec;
  const problems: FieldError[] = [];
  const field = "spec.selector";
  const wrong = validateLabelSelector(selector, field);
  problems.push(...wrong);
  if (selector === undefined) problems.push(required(field));
  else if (isEmptySelector(selector))
    problems.push(invalid(field, selector, "empty selector is invalid for statefulset"));
  if (wrong.length > 0) return [...problems, invalid(field, selector, "")];
  const labels = template?.metadata?.labels;
  const matches = selector !== undefined && matchesLabels(selectorFromLabelSelector(selector), labels);
  // No selector at all matches nothing, an empty one everything.
  if (!matches && (selector === undefined || !isEmptySelector(selector))) {
    const text = "`selector` does not match template `labels`";
    problems.push(invalid("spec.template.metadata.labels", labels, text));
  }
  if (!how.checksTemplate) return problems;
  return [...problems, ...validateTemplate(asMade(spec), "spec.template")];
}

/** The template with what the controller adds: a volume for each claim, in place of the template's of that name. The
 *  controller names the host, whatever the template says. */
function asMade({ template, volumeClaimTemplates = [] }: Spec): PodTemplateSpec {
  if (template.spec === undefined) return template;
  const claims = volumeClaimTemplates.map((claim) => claim.metadata?.name ?? "");
  const { hostname: _hostname, subdomain: _subdomain, ...spec } = template.spec;
  const own = (spec.volumes ?? []).filter(({ name }) => !claims.includes(name));
  const volumes = [...claims.map((name) => ({ name, persistentVolumeClaim: { claimName: name } })), ...own];
  return { ...template, spec: { ...spec, volumes } };
}

function validateRestart(template: PodTemplateSpec | undefined): readonly FieldError[] {
  const policy = template?.spec?.restartPolicy;
  const field = "spec.template.spec.restartPolicy";
  return [
    ...(policy === "Always" ? [] : [notSupported(field, policy, ["Always"])]),
    ...(template === undefined ? [] : noDeadline(template, "StatefulSet")),
  ];
}

type Status = StatefulSet["status"];

function validateStatus(status: Status): readonly FieldError[] {
  const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"] as const;
  return [
    ...validateCounts(status, ["replicas", ...parts, "observedGeneration", "collisionCount"]),
    ...validateReplicaStatus(status, parts, "status.readyReplicas"),
  ];
}
