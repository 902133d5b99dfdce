import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** In place of a label: each node is a topology of its own. */
export const eachNode = "";

/** Which pods are counted, on which nodes, by which label. */
export interface Counting {
  /** The same for countings that count the same. */
  readonly signature: string;
  /** The node label whose value is the topology. */
  readonly topologyKey: string;
  /** The namespaces of pods that may match; undefined: any. */
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly matches: (pod: PodInfo) => boolean;
  /** Nodes whose pods and topologies count; undefined: all that have the label. */
  readonly covers: ((node: NodeInfo) => boolean) | undefined;
  /** Whether `matches` looks at the labels of namespaces. */
  readonly asksNamespaces: boolean;
}

interface Domain {
  nodes: number;
  pods: number;
}

/** Matching pods counted by topology and kept up to date one pod and one node at a time.
 *  Invariant: `total` and each domain's `pods` are those of the matching pods on covered nodes; `#spread` says how many
 *  domains have so many pods. */
export class TopologyTable {
  readonly counting: Counting;
  readonly #domains = new Map<string, Domain>();
  readonly #spread = new Map<number, number>();
  #total = 0;

  constructor(counting: Counting) {
    this.counting = counting;
  }

  /** How many topologies there are. */
  get size(): number {
    return this.#domains.size;
  }

  get total(): number {
    return this.#total;
  }

  pods(domain: string): number {
    return this.#domains.get(domain)?.pods ?? 0;
  }

  has(domain: string): boolean {
    return this.#domains.has(domain);
  }

  /** The fewest pods that a topology has; infinite when there is none. With `changes`, as if these had so many more. */
  least(changes?: ReadonlyMap<string, number>): number {
    const spread = changes === undefined || changes.size === 0 ? this.#spread : this.#spreadWith(changes);
    let least = Number.POSITIVE_INFINITY;
    for (const pods of spread.keys()) if (pods < least) least = pods;
    return least;
  }

  /** The topology of a node, where it counts. */
  domainOf(node: NodeInfo): string | undefined {
    const { topologyKey, covers } = this.counting;
    const domain = topologyKey === eachNode ? node.name : node.labels[topologyKey];
    return domain !== undefined && (covers === undefined || covers(node)) ? domain : undefined;
  }

  join(node: NodeInfo): void {
    const domain = this.domainOf(node);
    if (domain === undefined) return;
    const entry = this.#domains.get(domain);
    if (entry === undefined) {
      this.#domains.set(domain, { nodes: 1, pods: 0 });
      bump(this.#spread, 0, 1);
    } else entry.nodes++;
    for (const pod of node.pods.values()) if (this.#counts(pod)) this.#add(domain, 1);
  }

  /** Before the node is gone or changed. */
  leave(node: NodeInfo): void {
    const domain = this.domainOf(node);
    const entry = domain === undefined ? undefined : this.#domains.get(domain);
    if (domain === undefined || entry === undefined) return;
    for (const pod of node.pods.values()) if (this.#counts(pod)) this.#add(domain, -1);
    entry.nodes--;
    if (entry.nodes > 0) return;
    bump(this.#spread, entry.pods, -1);
    this.#domains.delete(domain);
  }

  place(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    if (!this.#counts(pod)) return;
    const domain = this.domainOf(node);
    if (domain !== undefined) this.#add(domain, by);
  }

  #counts(pod: PodInfo): boolean {
    const { namespaces, matches } = this.counting;
    return (namespaces === undefined || namespaces.has(pod.namespace)) && matches(pod);
  }

  #add(domain: string, by: number): void {
    const entry = this.#domains.get(domain);
    if (entry === undefined) return;
    bump(this.#spread, entry.pods, -1);
    entry.pods += by;
    this.#total += by;
    bump(this.#spread, entry.pods, 1);
  }

  #spreadWith(changes: ReadonlyMap<string, number>): ReadonlyMap<number, number> {
    const spread = new Map(this.#spread);
    for (const [domain, by] of changes) {
      const entry = this.#domains.get(domain);
      if (entry === undefined) continue;
      bump(spread, entry.pods, -1);
      bump(spread, entry.pods + by, 1);
    }
    return spread;
  }
}

function bump(counts: Map<number, number>, at: number, by: number): void {
  const count = (counts.get(at) ?? 0) + by;
  if (count === 0) counts.delete(at);
  else counts.set(at, count);
}
