import { tolerates } from "../../../client/rules/tolerations.ts";
import type { Pod, Taint } from "../../../client/types.ts";
import { timeMs } from "../times.ts";

/** In how many milliseconds the pod has to leave a node with these taints; undefined: it may stay. Of several
 *  tolerations with a limit the shortest counts, from the moment the taint was set. Pure. */
export function evictionInMs(pod: Pod, taints: readonly Taint[], nowMs: number): number | undefined {
  const noExecute = taints.filter(({ effect }) => effect === "NoExecute");
  if (noExecute.length === 0 || pod.metadata.deletionTimestamp !== undefined) return undefined;
  const waits: number[] = [];
  for (const taint of noExecute) {
    const bearing = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (bearing.length === 0) return 0;
    const limits = bearing
      .map(({ tolerationSeconds }) => tolerationSeconds)
      .filter((seconds): seconds is number => seconds !== undefined && seconds !== null);
    if (limits.length === 0) continue;
    const sinceMs = taint.timeAdded === undefined ? nowMs : timeMs(taint.timeAdded);
    waits.push(Math.max(0, sinceMs + Math.max(0, Math.min(...limits)) * 1000 - nowMs));
  }
  return waits.length === 0 ? undefined : Math.min(...waits);
}
