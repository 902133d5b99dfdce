import type { Deployment } from "../../../client/types.ts";
import { resolve } from "../int-or-percent.ts";

/** How far a rolling update may go over and under the wanted number. Pure. Both zero would never move: then one pod
 *  may be missing. */
export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

export function wantedReplicas(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

export const isRolling = ({ spec }: Deployment): boolean => spec.strategy?.type !== "Recreate";

export function fenceposts(deployment: Deployment): Fenceposts {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy?.rollingUpdate ?? {};
  const wanted = wantedReplicas(deployment);
  const surge = resolve(maxSurge, wanted, "up");
  const unavailable = resolve(maxUnavailable, wanted, "down");
  return {
    maxSurge: surge,
    maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, wanted),
  };
}
