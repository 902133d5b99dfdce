import type { NodeInfo } from "./node-info.ts";

interface Kept<T> {
  version: number;
  value: T;
}

/** Values of one question, by node. */
export type KeptByNode<T> = Map<NodeInfo, Kept<T>>;

/** More questions than these are let go, those first that were not asked for the longest. */
export const questionsMost = 32;

/** What was worked out of nodes, by what was asked: good until the node or a pod on it changes. Pods of one template ask
 *  the same, and all nodes but the last one's are as the pod before found them.
 *  Invariant: an answer is given only for the version of the node that it was made of. */
export class NodeMemory<T> {
  /** In the order in which they were last asked. */
  readonly #questions = new Map<string, KeptByNode<T>>();

  get size(): number {
    return this.#questions.size;
  }

  question(asked: string): KeptByNode<T> {
    const kept: KeptByNode<T> = this.#questions.get(asked) ?? new Map();
    this.#questions.delete(asked);
    this.#questions.set(asked, kept);
    if (this.#questions.size > questionsMost)
      this.#questions.delete(this.#questions.keys().next().value as string);
    return kept;
  }

  /** The node is gone. */
  forget(node: NodeInfo): void {
    for (const kept of this.#questions.values()) kept.delete(node);
  }
}

/** What is kept of the node, else what `make` says, which is kept. A copy on which changes are tried is always asked. */
export function recalled<T>(kept: KeptByNode<T>, node: NodeInfo, make: (node: NodeInfo) => T): T {
  if (node.isCopy) return make(node);
  const entry = kept.get(node);
  if (entry?.version === node.version) return entry.value;
  const value = make(node);
  if (entry === undefined) kept.set(node, { version: node.version, value });
  else {
    entry.version = node.version;
    entry.value = value;
  }
  return value;
}
