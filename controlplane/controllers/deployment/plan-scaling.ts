import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { timeMs } from "../times.ts";
import { desiredWhenSized, maxWhenSized, sizeAnnotations } from "./annotations.ts";
import { fenceposts, isRolling, wantedReplicas } from "./fenceposts.ts";
import { scaleTo } from "./plan-rolling.ts";
import {
  availableOf,
  type DeploymentAction,
  type Generations,
  isScaledUp,
  replicasOf,
  sum,
} from "./plan-types.ts";

/** The Deployment's replicas changed since a ReplicaSet in use was sized. */
export function isScalingEvent(deployment: Deployment, { current, old }: Generations): boolean {
  const wanted = wantedReplicas(deployment);
  return [...old, ...(current ? [current] : [])].filter(isScaledUp).some((replicaSet) => {
    const desired = desiredWhenSized(replicaSet);
    return desired !== undefined && desired !== wanted;
  });
}

/** Spreads a new number of replicas over what is there, without rolling: to the one in use, or in the midst of a
 *  rolling update to each in proportion to its size. Pure. */
export function planScaling(deployment: Deployment, generations: Generations): readonly DeploymentAction[] {
  const { current, old } = generations;
  const wanted = wantedReplicas(deployment);
  const only = activeOrLatest(generations);
  if (only !== undefined)
    return replicasOf(only) === wanted ? resize(deployment, only) : [scaleTo(deployment, only, wanted)];
  const activeOld = old.filter(isScaledUp);
  if (current !== undefined && isSaturated(deployment, current))
    return activeOld.map((replicaSet) => scaleTo(deployment, replicaSet, 0));
  if (!isRolling(deployment)) return [];
  const active = [...activeOld, ...(current !== undefined && isScaledUp(current) ? [current] : [])];
  return planProportional(deployment, active);
}

/** The size stays; that it is for the new number is noted, so that scaling is over. */
function resize(deployment: Deployment, replicaSet: ReplicaSet): readonly DeploymentAction[] {
  const stale = Object.entries(sizeAnnotations(deployment)).some(
    ([name, value]) => replicaSet.metadata.annotations?.[name] !== value,
  );
  return stale && isScaledUp(replicaSet) ? [scaleTo(deployment, replicaSet, replicasOf(replicaSet))] : [];
}

function activeOrLatest({ current, old }: Generations): ReplicaSet | undefined {
  const active = [...old, ...(current ? [current] : [])].filter(isScaledUp);
  if (active.length === 0) return current ?? old.at(-1);
  return active.length === 1 ? active[0] : undefined;
}

function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    replicasOf(current) === wanted && desiredWhenSized(current) === wanted && availableOf(current) === wanted
  );
}

function planProportional(
  deployment: Deployment,
  active: readonly ReplicaSet[],
): readonly DeploymentAction[] {
  const wanted = wantedReplicas(deployment);
  const allowed = wanted > 0 ? wanted + fenceposts(deployment).maxSurge : 0;
  const toAdd = allowed - sum(active.map(replicasOf));
  const sized = [...active].sort(
    (a, b) =>
      replicasOf(b) - replicasOf(a) ||
      (toAdd > 0 ? -1 : 1) * (timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp)),
  );
  let added = 0;
  const sizes = sized.map((replicaSet) => {
    const share = toAdd === 0 ? 0 : proportion(deployment, replicaSet, toAdd - added);
    added += share;
    return { replicaSet, size: replicasOf(replicaSet) + share };
  });
  const largest = sizes[0];
  if (largest !== undefined) largest.size = Math.max(0, largest.size + toAdd - added);
  return sizes.map(({ replicaSet, size }) => scaleTo(deployment, replicaSet, size));
}

/** This ReplicaSet's share of what is still to be added (or, below zero, taken). */
function proportion(deployment: Deployment, replicaSet: ReplicaSet, left: number): number {
  const replicas = replicasOf(replicaSet);
  if (replicas === 0 || left === 0) return 0;
  const fraction = shareOf(deployment, replicaSet);
  return left > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

function shareOf(deployment: Deployment, replicaSet: ReplicaSet): number {
  const replicas = replicasOf(replicaSet);
  const wanted = wantedReplicas(deployment);
  if (wanted === 0) return -replicas;
  const before = maxWhenSized(replicaSet) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((replicas * (wanted + fenceposts(deployment).maxSurge)) / before) - replicas;
}
