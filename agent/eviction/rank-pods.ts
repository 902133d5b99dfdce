import { podRequests } from "../../client/rules/pod-requests.ts";
import type { Pod } from "../../client/types.ts";
import type { StarvedResource } from "./signals.ts";

/** What a pod takes of a resource, in bytes or pieces; undefined where nobody knows. */
export type UseOf = (pod: Pod) => number | undefined;

/** The pods in the order in which they are to go, by the kubelet's rules: first those of which nothing is known, then those
 *  that use more than they asked for, by priority, and among equals by how much more. Process numbers cannot be asked
 *  for: priority counts there, then how many. Equal ones stay in their order. */
export function rankPods(pods: readonly Pod[], resource: StarvedResource, useOf: UseOf): readonly Pod[] {
  const ranked = pods.map((pod) => rankOf(pod, resource, useOf(pod)));
  const hasRequests = resource !== "pids";
  return ranked
    .sort((a, b) => {
      if (hasRequests) {
        const known = Number(a.use !== undefined) - Number(b.use !== undefined);
        if (known !== 0) return known;
        const exceeding = Number(exceeds(b)) - Number(exceeds(a));
        if (exceeding !== 0) return exceeding;
      }
      if (a.priority !== b.priority) return a.priority - b.priority;
      return over(b) - over(a);
    })
    .map(({ pod }) => pod);
}

interface Rank {
  readonly pod: Pod;
  readonly use: number | undefined;
  readonly requested: number;
  readonly priority: number;
}

function rankOf(pod: Pod, resource: StarvedResource, use: number | undefined): Rank {
  const requested = podRequests(pod.spec)[resource] ?? 0;
  return { pod, use, requested, priority: pod.spec.priority ?? 0 };
}

const exceeds = ({ use = 0, requested }: Rank): boolean => use > requested;

/** Unknown ones before all others of their priority. */
const over = ({ use, requested }: Rank): number => (use === undefined ? Number.MAX_VALUE : use - requested);
