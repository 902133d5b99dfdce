import type { Job, Pod } from "../../../client/types.ts";
import { timeMs } from "../times.ts";

/** How and when a Job's pod ended. Pure. */

export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";

/** A pod being deleted by others counts as failed at once, unless the Job waits for its end (podReplacementPolicy). */
export function hasFailed({ spec }: Job, pod: Pod): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (hasSucceeded(pod)) return false;
  return pod.metadata.deletionTimestamp !== undefined && spec.podReplacementPolicy !== "Failed";
}

/** When the last container ended; for a pod that never ran, when that was known. */
export function finishedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    timeMs(state?.terminated?.finishedAt),
  );
  const last = Math.max(0, ...ends);
  if (last > 0) return last;
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return timeMs(
    pod.metadata.deletionTimestamp ?? ready?.lastTransitionTime ?? pod.metadata.creationTimestamp,
  );
}
