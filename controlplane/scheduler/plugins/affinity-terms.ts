import { matchesLabels } from "../../../base/label-selector.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { AffinityTerm, PodInfo } from "../cycle/pod-info.ts";
import type { Snapshot } from "../cycle/snapshot.ts";
import type { Counting, TopologyTable } from "../cycle/topology-table.ts";

/** Whether a pod is one of those that the term speaks of. */
export function matchesAffinityTerm(
  term: AffinityTerm,
  pod: PodInfo,
  snapshot: Pick<Snapshot, "namespaceLabels">,
): boolean {
  return inNamespaces(term, pod.namespace, snapshot) && matchesLabels(term.selector, pod.labels);
}

function inNamespaces(
  term: AffinityTerm,
  namespace: string,
  snapshot: Pick<Snapshot, "namespaceLabels">,
): boolean {
  if (term.namespaces.has(namespace)) return true;
  const selector = term.namespaceSelector;
  return selector !== undefined && matchesLabels(selector, snapshot.namespaceLabels(namespace));
}

/** Counts the pods that match all these terms by the topology of one of them. */
export function countingOf(
  terms: readonly AffinityTerm[],
  topologyKey: string,
  snapshot: Snapshot,
): Counting {
  const asksNamespaces = terms.some(({ namespaceSelector }) => namespaceSelector !== undefined);
  return {
    signature: JSON.stringify(["affinity", terms.map(({ signature }) => signature), topologyKey]),
    topologyKey,
    namespaces: asksNamespaces ? undefined : terms[0]?.namespaces,
    matches: (pod) => terms.every((term) => matchesAffinityTerm(term, pod, snapshot)),
    covers: undefined,
    asksNamespaces,
  };
}

/** A table of the cluster with what would be different, for trying things out. */
export class TriedTable {
  readonly table: TopologyTable;
  #changes: Map<string, number> | undefined;
  #total = 0;

  constructor(table: TopologyTable) {
    this.table = table;
  }

  get total(): number {
    return this.table.total + this.#total;
  }

  pods(domain: string): number {
    return this.table.pods(domain) + (this.#changes?.get(domain) ?? 0);
  }

  /** The fewest pods that a topology has. */
  least(): number {
    return this.table.least(this.#changes);
  }

  place(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    const { namespaces, matches } = this.table.counting;
    if ((namespaces !== undefined && !namespaces.has(pod.namespace)) || !matches(pod)) return;
    const domain = this.table.domainOf(node);
    if (domain === undefined) return;
    this.#changes ??= new Map();
    const change = (this.#changes.get(domain) ?? 0) + by;
    if (change === 0) this.#changes.delete(domain);
    else this.#changes.set(domain, change);
    this.#total += by;
  }
}
