import { type Labels, matchesLabels, selectorFromLabels } from "../../../base/label-selector.ts";
import type { Pod } from "../../../client/types.ts";
import { rankForDeletion } from "../deletion-rank.ts";
import { availableInMs, isActive, isTerminating } from "../pod-state.ts";

/** What is wanted, of either kind. */
export interface WantedReplicas {
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly templateLabels: Labels;
  readonly beingDeleted: boolean;
}

export type ReplicaAction =
  | { readonly action: "create"; readonly count: number }
  | { readonly action: "delete"; readonly pods: readonly Pod[] };

export interface ReplicaCounts {
  readonly replicas: number;
  readonly fullyLabeledReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly terminatingReplicas: number;
}

/** Creates or deletes at most this many in one go. */
export const replicaBurst = 500;

/** What brings the number of active pods to what is wanted. `pods` are the owner's own; `siblings` those of everything
 *  that shares its owner, itself included: asked for only where pods have to go, so that what crowds a node goes first.
 *  `settled`: the cache shows all that was done before; until then nothing is planned. */
export function planReplicas(
  want: WantedReplicas,
  observed: {
    readonly pods: readonly Pod[];
    readonly siblings: () => readonly Pod[];
    readonly settled: boolean;
    readonly nowMs: number;
  },
): readonly ReplicaAction[] {
  if (!observed.settled || want.beingDeleted) return [];
  const active = observed.pods.filter(isActive);
  const missing = want.replicas - active.length;
  if (missing > 0) return [{ action: "create", count: Math.min(missing, replicaBurst) }];
  if (missing === 0) return [];
  const surplus = Math.min(-missing, replicaBurst);
  const ranked =
    want.replicas === 0 ? active : rankForDeletion(active, observed.nowMs, crowdingOf(observed.siblings()));
  return [{ action: "delete", pods: ranked.slice(0, surplus) }];
}

function crowdingOf(siblings: readonly Pod[]): (pod: Pod) => number {
  const perNode = new Map<string, number>();
  for (const pod of siblings.filter(isActive)) {
    const node = pod.spec.nodeName ?? "";
    perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  return (pod) => (pod.spec.nodeName ? (perNode.get(pod.spec.nodeName) ?? 0) : 0);
}

export function countReplicas(want: WantedReplicas, pods: readonly Pod[], nowMs: number): ReplicaCounts {
  const labels = selectorFromLabels(want.templateLabels);
  const counts = {
    replicas: 0,
    fullyLabeledReplicas: 0,
    readyReplicas: 0,
    availableReplicas: 0,
    terminatingReplicas: 0,
  };
  for (const pod of pods) {
    if (isTerminating(pod)) counts.terminatingReplicas++;
    if (!isActive(pod)) continue;
    counts.replicas++;
    if (matchesLabels(labels, pod.metadata.labels)) counts.fullyLabeledReplicas++;
    const waitsMs = availableInMs(pod, want.minReadySeconds, nowMs);
    if (waitsMs === undefined) continue;
    counts.readyReplicas++;
    if (waitsMs === 0) counts.availableReplicas++;
  }
  return counts;
}
