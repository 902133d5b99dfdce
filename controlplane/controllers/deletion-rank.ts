import type { Pod } from "../../client/types.ts";
import { isReady, readySinceMs, restarts } from "./pod-state.ts";
import { timeMs } from "./times.ts";

const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/** The pods in the order in which they are best done without: unassigned, pending, not ready, cheap by annotation,
 *  crowded on their node, ready for a shorter time, often restarted, young. Times count in powers of two, so that
 *  among pods of about the same age none is favoured; then the uid decides. Pure; Kubernetes' ActivePodsWithRanks.
 *  `crowding` says how many pods of the same kind are on a pod's node. */
export function rankForDeletion(
  pods: readonly Pod[],
  nowMs: number,
  crowding: (pod: Pod) => number = () => 0,
): readonly Pod[] {
  const rows = pods.map((pod) => ({
    pod,
    keys: [
      pod.spec.nodeName ? 1 : 0,
      phaseRank[pod.status?.phase ?? "Pending"] ?? 1,
      isReady(pod) ? 1 : 0,
      cost(pod),
      -crowding(pod),
      ageRank(readySinceMs(pod), nowMs),
      -restarts(pod),
      ageRank(timeMs(pod.metadata.creationTimestamp), nowMs),
    ],
  }));
  rows.sort((a, b) => {
    for (const [i, key] of a.keys.entries()) {
      const difference = key - (b.keys[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1;
  });
  return rows.map(({ pod }) => pod);
}

function cost(pod: Pod): number {
  const text = pod.metadata.annotations?.[costAnnotation];
  return text !== undefined && /^-?\d{1,10}$/.test(text) ? Number(text) : 0;
}

function ageRank(sinceMs: number | undefined, nowMs: number): number {
  const age = sinceMs === undefined ? 0 : nowMs - sinceMs;
  return age <= 0 ? -1 : Math.floor(Math.log2(age / 1000 + 1));
}
