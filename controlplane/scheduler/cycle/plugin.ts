import type { Service } from "../../../client/types.ts";
import type { Storage } from "../storage/storage.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** The cluster as one scheduling cycle sees it. A cycle is synchronous, so nothing changes underneath it. */
export interface Snapshot {
  readonly nodes: readonly NodeInfo[];
  /** Only the nodes that have pods with terms of affinity (or required anti-affinity). */
  readonly nodesWithAffinity: readonly NodeInfo[];
  readonly nodesWithAntiAffinity: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** How many different values the nodes have of this label. */
  domainCount(labelKey: string): number;
  namespaceLabels(namespace: string): Readonly<Record<string, string>>;
  /** How many pods with this controlling owner each node has. */
  podsOfController(uid: string): ReadonlyMap<string, number>;
  services(namespace: string): readonly Service[];
  readonly storage: Storage;
}

/** Why a pod cannot be on a node. */
export interface Refusal {
  /** Counted over all nodes and shown to people. Worded as kube-scheduler does. */
  readonly reasons: readonly string[];
  /** True when removing other pods from the node would not help. */
  readonly lasting: boolean;
}

/** What may make an unschedulable pod schedulable. */
export type ClusterEvent =
  | "nodeAdded"
  /** Its labels, taints, capacity or whether it takes pods. */
  | "nodeChanged"
  /** A pod left its node, or shrank. */
  | "podRemoved"
  /** A pod was placed on a node, or a placed one got other labels. */
  | "podPlaced"
  | "namespaceChanged"
  /** Of a claim, a volume or a class of volumes. */
  | "storageChanged";

/** One concern of scheduling: a value in the table of `plugins/table.ts`. Pure. */
export interface Plugin {
  readonly name: string;
  /** Factor of its score, 0 for plugins that only filter. */
  readonly weight: number;
  /** After which events a pod it refused deserves another try. */
  readonly helpedBy: readonly ClusterEvent[];
  /** Works out once a cycle what it needs to judge nodes; undefined when it has nothing to say about this pod, which
   *  then costs nothing a node. */
  prepare(pod: PodInfo, snapshot: Snapshot): Prepared | undefined;
}

export interface Prepared {
  /** Why the pod fits no node, whichever. */
  readonly nowhere?: string;
  /** Undefined: the pod fits as far as this plugin is concerned. */
  readonly filter?: (node: NodeInfo) => Refusal | undefined;
  /** Any scale; made 0 to 100 by `normalize`, or has that scale already where there is none. */
  readonly score?: (node: NodeInfo) => number;
  readonly normalize?: (scores: readonly number[]) => readonly number[];
}

/** Scales to 0..100 with the highest raw score at 100. */
export function highestBest(scores: readonly number[]): readonly number[] {
  const most = Math.max(...scores, 0);
  return most === 0 ? scores.map(() => 0) : scores.map((score) => (score * 100) / most);
}

/** Scales to 0..100 with a raw score of 0 at 100. */
export function lowestBest(scores: readonly number[]): readonly number[] {
  const most = Math.max(...scores, 0);
  return most === 0 ? scores.map(() => 100) : scores.map((score) => 100 - (score * 100) / most);
}

/** Scales the span between lowest and highest to 0..100. */
export function spanned(scores: readonly number[]): readonly number[] {
  const least = Math.min(...scores);
  const most = Math.max(...scores);
  return most === least
    ? scores.map(() => 0)
    : scores.map((score) => ((score - least) * 100) / (most - least));
}
