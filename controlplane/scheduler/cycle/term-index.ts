import type { NodeInfo } from "./node-info.ts";
import type { AffinityTerm, PodInfo } from "./pod-info.ts";

/** Like terms of pods already placed, and how much they weigh by topology. */
export interface TermGroup {
  readonly term: AffinityTerm;
  readonly weights: ReadonlyMap<string, number>;
}

interface Group extends TermGroup {
  readonly weights: Map<string, number>;
  readonly counts: Map<string, number>;
}

/** What pods already placed ask of others, like terms together: a thousand pods of one owner are one row.
 *  Invariant: each group's weights are those of exactly the placed pods, by the value of their node's label. */
export class TermIndex {
  readonly #antiAffinity = new Map<string, Group>();
  readonly #affinity = new Map<string, Group>();
  readonly #preferred = new Map<string, Group>();

  /** Required anti-affinity: each pod weighs one. */
  get antiAffinity(): Iterable<TermGroup> {
    return this.#antiAffinity.values();
  }

  /** Required affinity: each pod weighs one. */
  get affinity(): Iterable<TermGroup> {
    return this.#affinity.values();
  }

  /** Preferred affinity by its weight, anti-affinity by its weight below zero. */
  get preferred(): Iterable<TermGroup> {
    return this.#preferred.values();
  }

  place(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const term of pod.antiAffinity) put(this.#antiAffinity, term, node, 1, by);
    for (const term of pod.affinity) put(this.#affinity, term, node, 1, by);
    for (const { term, weight } of pod.preferredAffinity) put(this.#preferred, term, node, weight, by);
    for (const { term, weight } of pod.preferredAntiAffinity) put(this.#preferred, term, node, -weight, by);
  }

  join(node: NodeInfo): void {
    for (const pod of node.podsWithAffinity.values()) this.place(pod, node, 1);
  }

  /** Before the node is gone or changed. */
  leave(node: NodeInfo): void {
    for (const pod of node.podsWithAffinity.values()) this.place(pod, node, -1);
  }
}

function put(
  groups: Map<string, Group>,
  term: AffinityTerm,
  node: NodeInfo,
  weight: number,
  by: 1 | -1,
): void {
  const value = node.labels[term.topologyKey];
  if (value === undefined) return;
  let group = groups.get(term.signature);
  if (group === undefined) {
    group = { term, weights: new Map(), counts: new Map() };
    groups.set(term.signature, group);
  }
  const count = (group.counts.get(value) ?? 0) + by;
  if (count > 0) {
    group.counts.set(value, count);
    group.weights.set(value, (group.weights.get(value) ?? 0) + by * weight);
    return;
  }
  group.counts.delete(value);
  group.weights.delete(value);
  if (group.counts.size === 0) groups.delete(term.signature);
}
