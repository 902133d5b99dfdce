import { isMirrorPod } from "../../client/rules/static-pods.ts";
import type { Pod } from "../../client/types.ts";

/** system-cluster-critical; every class of a user's own is below. */
export const systemCriticalPriority = 2_000_000_000;

/** A pod that this node must not evict: one that the cluster needs, or the image of a pod that comes from a file. */
export function isCritical(pod: Pod): boolean {
  return isMirrorPod(pod) || (pod.spec.priority ?? 0) >= systemCriticalPriority;
}
