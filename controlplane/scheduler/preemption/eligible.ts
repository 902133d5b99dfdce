import type { Pod } from "../../../client/types.ts";

export const preemptionReason = "PreemptionByScheduler";

/** Whether the pod is ending because the scheduler told it to. */
export function isBeingPreempted({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const condition = status?.conditions?.find(({ type }) => type === "DisruptionTarget");
  return condition?.status === "True" && condition.reason === preemptionReason;
}
