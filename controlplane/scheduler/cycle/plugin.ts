import type { Hints } from "./cluster-event.ts";
import type { FilterRun } from "./filter-run.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** Why a pod cannot be on a node. */
export interface Refusal {
  /** Counted over all nodes and shown to people. Worded as kube-scheduler does. */
  readonly reasons: readonly string[];
  /** True when removing other pods from the node would not help. */
  readonly lasting: boolean;
  /** Something is wrong with what the pod asks for, or with who must answer: no other node is looked at, the cycle ends with an
   *  error, and the pod is tried again after a while. */
  readonly endsCycle?: boolean;
}

/** One concern of scheduling: what a factory made of its arguments and handle. Each function is one of Kubernetes'
 *  extension points, and a plugin has those that concern it. What decides (up to `permit`) is synchronous and changes
 *  nothing but the plugin's own books; only `preBind`, `bind` and `postBind` may call others. */
export interface Plugin {
  readonly name: string;
  /** After which events a pod it refused deserves another try: leaving one out lets pods wait up to five minutes. */
  readonly helpedBy?: Hints;
  /** Negative when the first of two waiting pods comes first. Exactly one plugin of a scheduler decides this. */
  readonly queueSort?: (a: Queued, b: Queued) => number;
  /** Why the pod may not wait for its turn yet. */
  readonly preEnqueue?: (pod: PodInfo) => string | undefined;
  /** PreFilter: works out once a cycle what it needs to judge nodes; undefined when it has nothing to say about this
   *  pod, which then costs nothing a node. */
  readonly prepareFilter?: (pod: PodInfo, snapshot: Snapshot) => PreparedFilter | undefined;
  /** PostFilter: makes room for a pod that fits nowhere, or says why it cannot. */
  readonly postFilter?: (attempt: FailedAttempt) => Rescue | undefined;
  /** PreScore: as `prepareFilter`, over the nodes where the pod fits. */
  readonly prepareScore?: (
    pod: PodInfo,
    snapshot: Snapshot,
    feasible: readonly NodeInfo[],
  ) => PreparedScore | undefined;
  /** Notes that the pod goes to the node, before anybody else is decided on; answers why that is not to be. */
  readonly reserve?: (pod: PodInfo, node: NodeInfo) => string | undefined;
  /** Undoes `reserve`, whether or not that took place. */
  readonly unreserve?: (pod: PodInfo, node: string) => void;
  readonly permit?: (pod: PodInfo, node: string) => Permit;
  /** PreBindPreFlight: whether `preBind` has something to do for the pod, which was reserved; left out: it always has. */
  readonly needsPreBind?: (pod: PodInfo) => boolean;
  /** Does what must be done before the pod is bound. Rejects where that fails. */
  readonly preBind?: (pod: PodInfo, node: string, signal: AbortSignal) => Promise<void>;
  /** Tells the API server; "skip" leaves it to the next. */
  readonly bind?: (pod: PodInfo, node: string, signal: AbortSignal) => Promise<BindOutcome | "skip">;
  readonly postBind?: (pod: PodInfo, node: string) => void;
}

/** A waiting pod, as the order of the queue sees it. */
export interface Queued {
  readonly info: PodInfo;
  /** Since when it waits for its turn. */
  readonly sinceMs: number;
}

export interface PreparedFilter {
  /** Why the pod fits no node, whichever. */
  readonly nowhere?: string;
  /** The only nodes it may fit. */
  readonly nodes?: ReadonlySet<string>;
  /** Undefined: the pod fits as far as this plugin is concerned. */
  readonly filter?: (node: NodeInfo) => Refusal | undefined;
  /** All that `filter` goes by beside the node and the pods on it: a node that did not change answers pods that ask the
   *  same as before. Undefined where it goes by more. */
  readonly asks?: string;
  /** Counts a pod as if it were on the node, or gone from it, for what `filter` says from now on. Each undoes the other. */
  readonly add?: (pod: PodInfo, node: NodeInfo) => void;
  readonly remove?: (pod: PodInfo, node: NodeInfo) => void;
}

export interface PreparedScore {
  /** Any scale; made 0 to 100 by `normalize`, or has that scale already where there is none. */
  readonly score: (node: NodeInfo) => number;
  /** As of a filter. */
  readonly asks?: string;
  readonly normalize?: (scores: readonly number[]) => readonly number[];
}

/** A cycle that found no node. */
export interface FailedAttempt {
  readonly pod: PodInfo;
  readonly snapshot: Snapshot;
  /** Nodes whose refusal removing pods may lift. */
  readonly potential: readonly NodeInfo[];
  readonly refusalOf: (node: string) => Refusal | undefined;
  /** What judged the nodes, to try what would be. */
  readonly filters: FilterRun;
  /** A whole number below `limit`. */
  readonly below: (limit: number) => number;
}

export type Rescue =
  | {
      readonly outcome: "nominated";
      readonly node: string;
      readonly victims: readonly PodInfo[];
      /** The other nodes that were possible, for those who have a say in it. */
      readonly candidates?: readonly Candidate[];
    }
  | {
      readonly outcome: "none";
      readonly message: string;
      /** Whether a node that was promised to the pod before stays promised. */
      readonly keepsNomination: boolean;
    };

/** A node where the pod would fit if these left, the most important first. */
export interface Candidate {
  readonly node: string;
  readonly victims: readonly PodInfo[];
  /** How many of them leave though a budget forbids it. */
  readonly violations: number;
}

/** What trying to make room on a node came to; `reasons`: why there is none to be made. */
export type Trial = Candidate | { readonly reasons: readonly string[] };

export type Permit =
  | { readonly outcome: "allowed" }
  | { readonly outcome: "waits"; readonly timeoutMs: number }
  | { readonly outcome: "refused"; readonly message: string };

export type BindOutcome =
  | { readonly outcome: "bound" }
  /** Gone, or bound by somebody else: the informers will say. */
  | { readonly outcome: "dropped" }
  /** The node may be as good as before; try again later. */
  | { readonly outcome: "failed"; readonly error: Error };

/** The names of the extension points in Kubernetes' configuration file, in the order in which a pod meets them. */
export const extensionPoints = [
  "queueSort",
  "preEnqueue",
  "preFilter",
  "filter",
  "postFilter",
  "preScore",
  "score",
  "reserve",
  "permit",
  "preBind",
  "bind",
  "postBind",
] as const;

export type ExtensionPoint = (typeof extensionPoints)[number];

/** Whether a plugin has something to do at the point. */
export function takesPart(plugin: Plugin, point: ExtensionPoint): boolean {
  switch (point) {
    case "preFilter":
    case "filter":
      return plugin.prepareFilter !== undefined;
    case "preScore":
    case "score":
      return plugin.prepareScore !== undefined;
    case "reserve":
      return plugin.reserve !== undefined || plugin.unreserve !== undefined;
    default:
      return plugin[point] !== undefined;
  }
}
