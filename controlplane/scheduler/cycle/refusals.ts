import { type NodeRefusal, saysTheSame } from "./filter-run.ts";
import { count } from "./fit-error.ts";

/** How many nodes gave each reason, and whose they are. Most nodes say what the one before said: those are counted together. */
export class RefusalTally {
  readonly #reasons = new Map<string, number>();
  readonly #plugins = new Set<string>();
  #last: NodeRefusal | undefined;
  #times = 0;

  add(refusal: NodeRefusal): void {
    if (this.#last === undefined || !(refusal === this.#last || saysTheSame(refusal, this.#last))) {
      this.#flush();
      this.#last = refusal;
    }
    this.#times++;
  }

  /** Of all that were added. */
  counts(): { readonly reasons: Map<string, number>; readonly plugins: Set<string> } {
    this.#flush();
    return { reasons: this.#reasons, plugins: this.#plugins };
  }

  #flush(): void {
    if (this.#last === undefined) return;
    this.#plugins.add(this.#last.plugin);
    for (const reason of this.#last.reasons) count(this.#reasons, reason, this.#times);
    this.#last = undefined;
    this.#times = 0;
  }
}

/** Why each node refused, in the order in which they were asked. A search for a pod that fits nowhere adds as many as there are
 *  nodes, and few are looked up: an index is made for the first who does. */
export class Refusals {
  readonly #nodes: string[];
  readonly #why: NodeRefusal[];
  #byNode: Map<string, NodeRefusal> | undefined;

  constructor(nodes: readonly string[] = [], why: readonly NodeRefusal[] = []) {
    this.#nodes = [...nodes];
    this.#why = [...why];
  }

  /** The last that is added for a node counts. */
  add(node: string, refusal: NodeRefusal): void {
    this.#nodes.push(node);
    this.#why.push(refusal);
    this.#byNode?.set(node, refusal);
  }

  of(node: string): NodeRefusal | undefined {
    this.#byNode ??= new Map(this.#nodes.map((name, at) => [name, this.#why[at] as NodeRefusal]));
    return this.#byNode.get(node);
  }

  /** To which others may be added without these hearing of it. */
  copy(): Refusals {
    return new Refusals(this.#nodes, this.#why);
  }
}
