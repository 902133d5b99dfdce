import type { Node } from "../../../client/types.ts";

/** Nodes that went while volumes were attached to them, as they were last seen: what a node used when it went may still be
 *  mounted there, and all else is not. Whoever starts later knows of none. */
export class GoneNodes {
  readonly #last = new Map<string, Node>();

  get(name: string): Node | undefined {
    return this.#last.get(name);
  }

  remember(node: Node): void {
    this.#last.set(node.metadata.name, node);
  }

  /** It is there again, or nothing is attached to it any more. */
  forget(name: string): void {
    this.#last.delete(name);
  }
}
