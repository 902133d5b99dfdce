import type { NodeInfo } from "./node-info.ts";
import { type KeptByNode, recalled } from "./node-memory.ts";
import type { Plugin, PreparedFilter, Refusal } from "./plugin.ts";
import type { PodInfo } from "./pod-info.ts";
import type { Snapshot } from "./snapshot.ts";

/** A plugin's filter, prepared for one pod. */
export interface ReadyFilter {
  readonly plugin: Plugin;
  readonly prepared: PreparedFilter;
}

export interface NodeRefusal extends Refusal {
  readonly plugin: string;
}

interface NamedFilter {
  readonly name: string;
  readonly filter: (node: NodeInfo) => Refusal | undefined;
}

/** The filters of one cycle. `add` and `remove` let them judge what would be; whoever calls one calls the other. */
export class FilterRun {
  readonly #pod: PodInfo;
  readonly #snapshot: Snapshot;
  /** The filters before the first that goes by more than the node: what they say is kept. */
  readonly #kept: KeptByNode<NodeRefusal | undefined>;
  readonly #judgeByNode: (node: NodeInfo) => NodeRefusal | undefined;
  readonly #others: readonly NamedFilter[];
  readonly #counting: readonly PreparedFilter[];
  /** What the filters ask of each node, where they go by that node alone: pods of which this is the same are answered alike. */
  readonly question: string | undefined;

  constructor(pod: PodInfo, snapshot: Snapshot, ready: readonly ReadyFilter[]) {
    this.#pod = pod;
    this.#snapshot = snapshot;
    const filters = ready.flatMap(({ plugin, prepared: { filter, asks } }) =>
      filter === undefined ? [] : [{ name: plugin.name, filter, asks }],
    );
    const first = filters.findIndex(({ asks }) => asks === undefined);
    const byNode = first === -1 ? filters : filters.slice(0, first);
    const question = byNode.map(({ name, asks }) => `${name} ${asks}`).join("\n");
    this.question = first === -1 ? question : undefined;
    this.#kept = snapshot.verdicts.question(question);
    this.#judgeByNode = sharing((node) => firstRefusal(byNode, node));
    this.#others = filters.slice(byNode.length);
    this.#counting = ready.map(({ prepared }) => prepared);
  }

  /** Why the pod cannot be on the node; undefined: it can. Pods that were promised the node and are no less important
   *  count as being there, and the node must do without them too: they may never come. */
  judge(node: NodeInfo): NodeRefusal | undefined {
    const nominated = this.#snapshot.nominatedOn(node.name);
    if (nominated.length === 0) return this.#judgeAsIs(node);
    const promised = nominated.filter((other) => this.#yieldsTo(other, node));
    if (promised.length === 0) return this.#judgeAsIs(node);
    const crowded = node.clone();
    for (const other of promised) {
      crowded.add(other);
      this.add(other, crowded);
    }
    const refusal = this.#judgeAsIs(crowded);
    for (const other of promised) this.remove(other, crowded);
    return refusal ?? this.#judgeAsIs(node);
  }

  add(pod: PodInfo, node: NodeInfo): void {
    for (const { add } of this.#counting) add?.(pod, node);
  }

  remove(pod: PodInfo, node: NodeInfo): void {
    for (const { remove } of this.#counting) remove?.(pod, node);
  }

  #yieldsTo(other: PodInfo, node: NodeInfo): boolean {
    return other.priority >= this.#pod.priority && other.key !== this.#pod.key && !node.pods.has(other.key);
  }

  #judgeAsIs(node: NodeInfo): NodeRefusal | undefined {
    return recalled(this.#kept, node, this.#judgeByNode) ?? firstRefusal(this.#others, node);
  }
}

/** Nodes in a row that refuse alike share one refusal: it is kept for each, and looked at in every cycle. */
function sharing(
  judge: (node: NodeInfo) => NodeRefusal | undefined,
): (node: NodeInfo) => NodeRefusal | undefined {
  let last: NodeRefusal | undefined;
  return (node) => {
    const refusal = judge(node);
    if (refusal === undefined) return undefined;
    if (last === undefined || !saysTheSame(refusal, last)) last = refusal;
    return last;
  };
}

export function saysTheSame(a: NodeRefusal, b: NodeRefusal): boolean {
  if (a.plugin !== b.plugin || a.lasting !== b.lasting || a.endsCycle !== b.endsCycle) return false;
  return a.reasons.length === b.reasons.length && a.reasons.every((reason, at) => reason === b.reasons[at]);
}

function firstRefusal(filters: readonly NamedFilter[], node: NodeInfo): NodeRefusal | undefined {
  for (const { name, filter } of filters) {
    const refusal = filter(node);
    if (refusal !== undefined) return { ...refusal, plugin: name };
  }
  return undefined;
}
