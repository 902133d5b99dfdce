import type { Deployment, Pod } from "../../../client/types.ts";
import { controllerOf } from "../owners.ts";
import { isFinished } from "../pod-state.ts";
import { wantedReplicas } from "./fenceposts.ts";
import { planCreation } from "./plan-new-replica-set.ts";
import { scaleTo } from "./plan-rolling.ts";
import { type DeploymentAction, type Generations, isScaledUp, replicasOf } from "./plan-types.ts";

/** One step of replacing all at once: the old go, and only when none of their pods runs the new come. Pure. */
export function planRecreate(
  deployment: Deployment,
  generations: Generations,
  pods: readonly Pod[],
): readonly DeploymentAction[] {
  const { current, old } = generations;
  const scaledUp = old.filter(isScaledUp);
  if (scaledUp.length > 0) return scaledUp.map((replicaSet) => scaleTo(deployment, replicaSet, 0));
  if (oldPodsRun(generations, pods)) return [];
  if (current === undefined) return planCreation(deployment, generations);
  const wanted = wantedReplicas(deployment);
  return replicasOf(current) === wanted ? [] : [scaleTo(deployment, current, wanted)];
}

/** A pod being deleted runs until it is gone. */
function oldPodsRun({ current, old }: Generations, pods: readonly Pod[]): boolean {
  if (old.some(({ status }) => (status?.replicas ?? 0) > 0)) return true;
  return pods.some((pod) => !isFinished(pod) && controllerOf(pod)?.uid !== current?.metadata.uid);
}
