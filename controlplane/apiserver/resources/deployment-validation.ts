import type { Deployment } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { aboveAll, validateCount, validateCounts, validateShare } from "./counts.ts";
import { forbidden, invalid, notSupported } from "./field-errors.ts";
import { validateCollisions, validateReplicaStatus } from "./workload-status.ts";
import { validateSelectorAndTemplate } from "./workload-validation.ts";

export function validateDeployment({ spec }: Deployment): readonly FieldError[] {
  const { minReadySeconds = 0, progressDeadlineSeconds } = spec;
  const problems = [
    ...validateCount(spec.replicas, "spec.replicas"),
    ...validateSelectorAndTemplate(spec, ["Always"]),
    ...validateStrategy(spec),
    ...validateCount(spec.minReadySeconds, "spec.minReadySeconds"),
    ...validateCount(spec.revisionHistoryLimit, "spec.revisionHistoryLimit"),
    ...validateCount(progressDeadlineSeconds, "spec.progressDeadlineSeconds"),
  ];
  if (progressDeadlineSeconds !== undefined && progressDeadlineSeconds <= minReadySeconds) {
    const text = "must be greater than minReadySeconds";
    problems.push(invalid("spec.progressDeadlineSeconds", progressDeadlineSeconds, text));
  }
  return problems;
}

function validateStrategy({ strategy }: Deployment["spec"]): readonly FieldError[] {
  const { type, rollingUpdate } = strategy ?? {};
  switch (type) {
    case "Recreate":
      return rollingUpdate === undefined
        ? []
        : [
            forbidden(
              "spec.strategy.rollingUpdate",
              "may not be specified when strategy `type` is 'Recreate'",
            ),
          ];
    case "RollingUpdate":
      return rollingUpdate === undefined ? [] : validateRolling(rollingUpdate, "spec.strategy.rollingUpdate");
    default:
      return [
        notSupported(
          "spec.strategy",
          { Type: type, RollingUpdate: rollingUpdate ? rollingShown(rollingUpdate) : null },
          ["Recreate", "RollingUpdate"],
        ),
      ];
  }
}

/** maxUnavailable and maxSurge, which must let the rollout move. */
function validateRolling(
  { maxUnavailable = 0, maxSurge = 0 }: { maxUnavailable?: string | number; maxSurge?: string | number },
  field: string,
): readonly FieldError[] {
  const problems = [
    ...validateShare(maxUnavailable, `${field}.maxUnavailable`, {}),
    ...validateShare(maxSurge, `${field}.maxSurge`, {}),
  ];
  if (isZero(maxUnavailable) && isZero(maxSurge))
    problems.push(invalid(`${field}.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0"));
  return [...problems, ...aboveAll(maxUnavailable, `${field}.maxUnavailable`)];
}

const isZero = (value: string | number) => Number.parseInt(String(value), 10) === 0;

/** As Kubernetes' own form of it is written. */
function rollingShown({
  maxUnavailable = 0,
  maxSurge = 0,
}: NonNullable<NonNullable<Deployment["spec"]["strategy"]>["rollingUpdate"]>): object {
  return { MaxUnavailable: maxUnavailable, MaxSurge: maxSurge };
}

export function validateDeploymentStatus({ status }: Deployment, current: Deployment): readonly FieldError[] {
  const parts = ["updatedReplicas", "readyReplicas", "availableReplicas"] as const;
  return [
    ...validateCounts(status, [
      ...(["observedGeneration", "replicas"] as const),
      ...parts,
      ...(["unavailableReplicas", "terminatingReplicas", "collisionCount"] as const),
    ]),
    ...validateReplicaStatus(status, parts),
    ...validateCollisions(status, current.status),
  ];
}
