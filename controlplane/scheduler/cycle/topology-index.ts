import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import { type Counting, TopologyTable } from "./topology-table.ts";

/** More tables than these are let go, those first that were not asked for the longest. */
export const tablesMost = 4_096;

/** The tables that cycles asked for, each kept up to date from then on: a cycle that counts what another counted before
 *  walks over nothing. Tables are found by the namespaces of the pods they count. */
export class TopologyIndex {
  /** In the order in which they were last asked for. */
  readonly #tables = new Map<string, TopologyTable>();
  readonly #byNamespace = new Map<string | undefined, Set<TopologyTable>>();

  get size(): number {
    return this.#tables.size;
  }

  table(counting: Counting, nodes: readonly NodeInfo[]): TopologyTable {
    const known = this.#tables.get(counting.signature);
    const table = known ?? new TopologyTable(counting);
    if (known === undefined) {
      for (const node of nodes) table.join(node);
      this.#file(table);
    } else this.#tables.delete(counting.signature);
    this.#tables.set(counting.signature, table);
    if (this.#tables.size > tablesMost) this.#letGo(this.#tables.values().next().value as TopologyTable);
    return table;
  }

  place(pod: PodInfo, node: NodeInfo, by: 1 | -1): void {
    for (const namespace of [pod.namespace, undefined])
      for (const table of this.#byNamespace.get(namespace) ?? []) table.place(pod, node, by);
  }

  join(node: NodeInfo): void {
    for (const table of this.#tables.values()) table.join(node);
  }

  /** Before the node is gone or changed. */
  leave(node: NodeInfo): void {
    for (const table of this.#tables.values()) table.leave(node);
  }

  /** The labels of a namespace changed: what was counted by them is no longer so. */
  namespaceChanged(): void {
    for (const table of [...this.#tables.values()]) if (table.counting.asksNamespaces) this.#letGo(table);
  }

  #file(table: TopologyTable): void {
    for (const namespace of table.counting.namespaces ?? [undefined]) {
      const filed = this.#byNamespace.get(namespace);
      if (filed === undefined) this.#byNamespace.set(namespace, new Set([table]));
      else filed.add(table);
    }
  }

  #letGo(table: TopologyTable): void {
    this.#tables.delete(table.counting.signature);
    for (const namespace of table.counting.namespaces ?? [undefined]) {
      const filed = this.#byNamespace.get(namespace);
      filed?.delete(table);
      if (filed?.size === 0) this.#byNamespace.delete(namespace);
    }
  }
}
