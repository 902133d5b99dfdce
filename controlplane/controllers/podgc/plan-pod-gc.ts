import type { Pod } from "../../../client/types.ts";
import { isFinished } from "../pod-state.ts";
import { timeMs } from "../times.ts";

export interface PodGcPlan {
  /** Pods to delete without grace. */
  readonly remove: readonly Pod[];
  /** Those among them whose node is gone: they are marked failed first, so that whoever counts them can. */
  readonly orphaned: readonly Pod[];
}

/** Pure. `isGone` says of a node's name that it is certainly no node any more. */
export function planPodGc(
  pods: readonly Pod[],
  isGone: (node: string) => boolean,
  finishedMost: number,
): PodGcPlan {
  const orphaned = pods.filter(({ spec }) => Boolean(spec.nodeName) && isGone(spec.nodeName ?? ""));
  const unscheduled = pods.filter(
    ({ spec, metadata }) => !spec.nodeName && metadata.deletionTimestamp !== undefined,
  );
  const finished = pods
    .filter(
      (pod) => isFinished(pod) && pod.metadata.deletionTimestamp === undefined && !orphaned.includes(pod),
    )
    .sort((a, b) => timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp));
  const surplus = finishedMost === 0 ? 0 : Math.max(0, finished.length - finishedMost);
  return { remove: [...orphaned, ...unscheduled, ...finished.slice(0, surplus)], orphaned };
}
