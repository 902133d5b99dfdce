import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { conditionOf } from "../conditions.ts";
import { isBeingDeleted } from "../owners.ts";
import { canonicalJson } from "../template-hash.ts";
import { revisionOf } from "./annotations.ts";
import { isRolling } from "./fenceposts.ts";
import { generations, planCreation, planCurrent } from "./plan-new-replica-set.ts";
import { planRecreate } from "./plan-recreate.ts";
import { planRolling } from "./plan-rolling.ts";
import { isScalingEvent, planScaling } from "./plan-scaling.ts";
import {
  condition,
  countStatus,
  isComplete,
  progressDeadlineMs,
  rolloutStatus,
  scalingStatus,
  setCondition,
} from "./plan-status.ts";
import {
  type DeploymentAction,
  type DeploymentStatus,
  type Generations,
  isScaledUp,
  type Observed,
} from "./plan-types.ts";

/** What to do next for a Deployment, in order. Pure. */
export function planDeployment(observed: Observed): readonly DeploymentAction[] {
  const { deployment, replicaSets, nowMs } = observed;
  const found = generations(deployment, replicaSets);
  if (isBeingDeleted(deployment)) return updateStatus(deployment, countStatus(deployment, found, nowMs));
  const noted = notePause(deployment, nowMs);
  if (noted.spec.paused === true || isScalingEvent(noted, found)) {
    const isPaused = noted.spec.paused === true;
    const status = isPaused ? countStatus(noted, found, nowMs) : scalingStatus(noted, found, nowMs);
    const clean = isPaused ? planCleanUp(noted, found) : [];
    return [
      ...planCurrent(noted, found),
      ...planScaling(noted, found),
      ...clean,
      ...updateStatus(deployment, status),
    ];
  }
  return isRolling(noted)
    ? roll(deployment, noted, found, observed)
    : recreate(deployment, noted, found, observed);
}

function roll(
  stored: Deployment,
  deployment: Deployment,
  found: Generations,
  { nowMs }: Observed,
): readonly DeploymentAction[] {
  if (found.current === undefined) return start(stored, deployment, found, nowMs);
  const scaled = planRolling(deployment, found);
  return [
    ...planCurrent(deployment, found),
    ...scaled,
    ...finish(stored, deployment, found, { nowMs, scaled }),
  ];
}

function recreate(
  stored: Deployment,
  deployment: Deployment,
  found: Generations,
  { nowMs, pods }: Observed,
): readonly DeploymentAction[] {
  const steps = planRecreate(deployment, found, pods);
  if (steps.some(({ action }) => action === "createReplicaSet"))
    return start(stored, deployment, found, nowMs);
  return [
    ...planCurrent(deployment, found),
    ...steps,
    ...finish(stored, deployment, found, { nowMs, scaled: steps }),
  ];
}

/** The current template gets its ReplicaSet; that it did counts as progress. */
function start(
  stored: Deployment,
  deployment: Deployment,
  found: Generations,
  nowMs: number,
): readonly DeploymentAction[] {
  const actions = planCreation(deployment, found);
  const status = rolloutStatus(deployment, found, nowMs);
  if (progressDeadlineMs(deployment) === undefined) return [...actions, ...updateStatus(stored, status)];
  const name = actions.flatMap((step) =>
    step.action === "createReplicaSet" ? [step.object.metadata.name] : [],
  )[0];
  const said = condition("Progressing", "True", "NewReplicaSetCreated", `Created new replica set "${name}"`);
  const conditions = setCondition(status.conditions ?? [], said, nowMs);
  return [...actions, ...updateStatus(stored, { ...status, conditions })];
}

function finish(
  stored: Deployment,
  deployment: Deployment,
  found: Generations,
  { nowMs, scaled }: { readonly nowMs: number; readonly scaled: readonly DeploymentAction[] },
): readonly DeploymentAction[] {
  const counted = foundNoted(deployment, found, nowMs);
  const status = rolloutStatus(counted, found, nowMs);
  const clean = scaled.length === 0 && isComplete(deployment, status) ? planCleanUp(deployment, found) : [];
  return [...clean, ...updateStatus(stored, status)];
}

/** A current ReplicaSet that was there before (a rollback, an adoption) counts as progress. */
function foundNoted(deployment: Deployment, { current }: Generations, nowMs: number): Deployment {
  const before = deployment.status?.conditions;
  if (current === undefined || progressDeadlineMs(deployment) === undefined) return deployment;
  const progressing = conditionOf(before, "Progressing");
  if (progressing !== undefined) return deployment;
  const said = condition(
    "Progressing",
    "True",
    "FoundNewReplicaSet",
    `Found new replica set "${current.metadata.name}"`,
  );
  return {
    ...deployment,
    status: { ...deployment.status, conditions: setCondition(before ?? [], said, nowMs) },
  };
}

/** Pausing stops the progress deadline's clock, resuming starts it anew: both show in Progressing. */
function notePause(deployment: Deployment, nowMs: number): Deployment {
  if (progressDeadlineMs(deployment) === undefined) return deployment;
  const conditions = deployment.status?.conditions ?? [];
  const progressing = conditionOf(conditions, "Progressing");
  if (progressing?.reason === "ProgressDeadlineExceeded") return deployment;
  const paused = deployment.spec.paused === true;
  const shown = progressing?.reason === "DeploymentPaused";
  if (paused === shown) return deployment;
  const said = paused
    ? condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
    : condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed");
  return {
    ...deployment,
    status: { ...deployment.status, conditions: setCondition(conditions, said, nowMs) },
  };
}

/** Old ReplicaSets beyond the history limit, lowest revision first. One in use or changing stays. */
function planCleanUp(deployment: Deployment, { old }: Generations): readonly DeploymentAction[] {
  const limit = deployment.spec.revisionHistoryLimit ?? 10;
  const alive = old.filter((replicaSet) => !isBeingDeleted(replicaSet));
  return [...alive]
    .sort((a, b) => (revisionOf(a) < revisionOf(b) ? -1 : revisionOf(a) > revisionOf(b) ? 1 : 0))
    .slice(0, Math.max(0, alive.length - limit))
    .filter(isIdle)
    .map(({ metadata }) => ({ action: "deleteReplicaSet", name: metadata.name }));
}

function isIdle(replicaSet: ReplicaSet): boolean {
  const { status, metadata } = replicaSet;
  return (
    !isScaledUp(replicaSet) &&
    (status?.replicas ?? 0) === 0 &&
    (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0)
  );
}

function updateStatus(deployment: Deployment, status: DeploymentStatus): readonly DeploymentAction[] {
  return canonicalJson(status) === canonicalJson(deployment.status ?? {})
    ? []
    : [{ action: "updateStatus", status }];
}
