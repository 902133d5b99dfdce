import type { Deployment, ReplicaSet } from "../../../client/types.ts";
import { sizeAnnotations } from "./annotations.ts";
import { fenceposts, wantedReplicas } from "./fenceposts.ts";
import { replicasWithinSurge } from "./plan-new-replica-set.ts";
import {
  availableOf,
  type DeploymentAction,
  type Generations,
  isScaledUp,
  replicasOf,
  sum,
} from "./plan-types.ts";

/** One step of a rolling update: the current ReplicaSet grows as far as the surge lets it; when it cannot, the old ones
 *  shrink as far as availability lets them, what is broken first. Empty when there is nothing to do now. Pure. */
export function planRolling(
  deployment: Deployment,
  { current, old }: Generations,
): readonly DeploymentAction[] {
  if (current === undefined) return [];
  const total = sum([current, ...old].map(replicasOf));
  const wanted = wantedReplicas(deployment);
  const own = replicasOf(current);
  const next = own >= wanted ? wanted : replicasWithinSurge(deployment, own, total);
  if (next !== own) return [scaleTo(deployment, current, next)];
  return planShrinking(deployment, current, old.filter(isScaledUp));
}

function planShrinking(
  deployment: Deployment,
  current: ReplicaSet,
  old: readonly ReplicaSet[],
): readonly DeploymentAction[] {
  const minAvailable = wantedReplicas(deployment) - fenceposts(deployment).maxUnavailable;
  const all = [current, ...old];
  const currentUnavailable = replicasOf(current) - availableOf(current);
  const spare = sum(all.map(replicasOf)) - minAvailable - currentUnavailable;
  if (spare <= 0) return [];
  const left = new Map(old.map((replicaSet) => [replicaSet, replicasOf(replicaSet)]));
  dropBroken(left, spare);
  dropHealthy(left, sum(all.map(keptAvailable)) - minAvailable);
  return [...left]
    .filter(([replicaSet, replicas]) => replicas !== replicasOf(replicaSet))
    .map(([replicaSet, replicas]) => scaleTo(deployment, replicaSet, replicas));
}

/** How many stay available: a status that is older than the number of replicas tells of some that are to go already. */
const keptAvailable = (replicaSet: ReplicaSet): number =>
  Math.min(availableOf(replicaSet), replicasOf(replicaSet));

/** Replicas that are not available cost nothing to lose. */
function dropBroken(left: Map<ReplicaSet, number>, most: number): void {
  let room = most;
  for (const [replicaSet, replicas] of left) {
    const broken = replicas - availableOf(replicaSet);
    const drop = Math.min(room, broken);
    if (drop <= 0) continue;
    left.set(replicaSet, replicas - drop);
    room -= drop;
  }
}

function dropHealthy(left: Map<ReplicaSet, number>, most: number): void {
  let room = most;
  for (const [replicaSet, replicas] of left) {
    const drop = Math.min(room, replicas);
    if (drop <= 0) continue;
    left.set(replicaSet, replicas - drop);
    room -= drop;
  }
}

export function scaleTo(deployment: Deployment, replicaSet: ReplicaSet, to: number): DeploymentAction {
  return {
    action: "scale",
    name: replicaSet.metadata.name,
    from: replicasOf(replicaSet),
    to,
    annotations: sizeAnnotations(deployment),
  };
}
