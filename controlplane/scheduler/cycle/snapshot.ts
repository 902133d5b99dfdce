import type { Selector } from "../../../base/label-selector.ts";
import type { Storage } from "../storage/storage.ts";
import type { NodeRefusal } from "./filter-run.ts";
import type { NodeInfo } from "./node-info.ts";
import type { NodeMemory } from "./node-memory.ts";
import type { Trial } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { TermIndex } from "./term-index.ts";
import type { Counting, TopologyTable } from "./topology-table.ts";

/** The cluster as one scheduling cycle sees it. A cycle is synchronous, so nothing changes underneath it. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** How many nodes have a taint. */
  readonly taintedNodes: number;
  /** How many nodes have an image of this name. */
  nodesWithImage(name: string): number;
  /** Pods counted by topology; made on the first asking and kept up to date from then on. */
  table(counting: Counting): TopologyTable;
  /** What pods already placed ask of others. */
  readonly terms: TermIndex;
  namespaceLabels(namespace: string): Readonly<Record<string, string>>;
  /** The pods that belong with this one: those its services select and its replica set, stateful set or replication
   *  controller. Undefined when nothing does. */
  siblings(pod: PodInfo): Selector | undefined;
  /** How many pods on nodes use the claim (`namespace/name`). */
  claimUsers(key: string): number;
  /** Pods that were promised the node, without being on it. */
  nominatedOn(node: string): readonly PodInfo[];
  /** Whether one of those keeps others away from it. */
  readonly nominatedRepel: boolean;
  /** The keys of the group's pods that have a node, or were just given one. */
  placedOf(group: string): ReadonlySet<string>;
  readonly storage: Storage;
  /** What filters said of nodes, how plugins scored them, and what making room on them came to. */
  readonly verdicts: NodeMemory<NodeRefusal | undefined>;
  readonly scores: NodeMemory<number>;
  readonly trials: NodeMemory<Trial>;
}
