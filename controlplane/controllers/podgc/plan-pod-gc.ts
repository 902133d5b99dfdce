import type { Pod } from "../../../client/types.ts";
import { isFinished } from "../pod-state.ts";
import { timeMs } from "../times.ts";

/** Why a pod is deleted without grace: Kubernetes' words in metrics. */
export type PodGcReason = "orphaned" | "out-of-service" | "unscheduled" | "terminated";

export interface Removal {
  readonly pod: Pod;
  readonly reason: PodGcReason;
}

export interface PodGcInput {
  readonly pods: readonly Pod[];
  /** Whether the node is certainly no node any more. */
  readonly isGone: (node: string) => boolean;
  /** Whether it is not ready and somebody said that it will not come back by itself. */
  readonly isOutOfService: (node: string) => boolean;
  readonly finishedMost: number;
}

/** Which pods nobody else will remove, each once. Pure. */
export function planPodGc(input: PodGcInput): readonly Removal[] {
  const { pods, isGone, isOutOfService, finishedMost } = input;
  const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;
  const orphaned = pods.filter(({ spec }) => Boolean(spec.nodeName) && isGone(spec.nodeName ?? ""));
  const stuck = pods.filter(
    (pod) => Boolean(pod.spec.nodeName) && isGoing(pod) && isOutOfService(pod.spec.nodeName ?? ""),
  );
  const unscheduled = pods.filter((pod) => !pod.spec.nodeName && isGoing(pod));
  const lost = new Set(orphaned);
  const finished = pods
    .filter((pod) => isFinished(pod) && !isGoing(pod) && !lost.has(pod))
    .sort(evictedFirst);
  const surplus = finishedMost === 0 ? 0 : Math.max(0, finished.length - finishedMost);
  const each = (of: readonly Pod[], reason: PodGcReason) => of.map((pod) => ({ pod, reason }));
  return [
    ...each(orphaned, "orphaned"),
    ...each(
      stuck.filter((pod) => !lost.has(pod)),
      "out-of-service",
    ),
    ...each(unscheduled, "unscheduled"),
    ...each(finished.slice(0, surplus), "terminated"),
  ];
}

/** Who waits for pods that ended by themselves is to find them: evicted ones go first, then the oldest. */
function evictedFirst(a: Pod, b: Pod): number {
  const isEvicted = ({ status }: Pod) => Number(status?.phase === "Failed" && status.reason === "Evicted");
  const byTime = timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp);
  return isEvicted(b) - isEvicted(a) || byTime || (a.metadata.name < b.metadata.name ? -1 : 1);
}
