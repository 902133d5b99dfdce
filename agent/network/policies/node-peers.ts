import { addressText, parseAddress } from "../../../base/ip-range.ts";
import type { Informer } from "../../../client/informer.ts";
import type { Node } from "../../../client/types.ts";
import type { IpFamily } from "../ip-family.ts";
import { specialAddress } from "../parsed-input.ts";
import type { PolicySide } from "./cluster-peers.ts";

/** Follows the nodes into the tables while some policy names nodes: nobody looks at them else. */
export class NodePeers {
  readonly #nodes: Informer<Node>;
  readonly #sides: readonly PolicySide[];
  readonly #onChange: () => void;
  #leave: (() => void) | undefined;

  constructor(nodes: Informer<Node>, sides: readonly PolicySide[], onChange: () => void) {
    this.#nodes = nodes;
    this.#sides = sides;
    this.#onChange = onChange;
  }

  /** Whether all is known that is wanted. */
  get hasSynced(): boolean {
    return this.#leave === undefined || this.#nodes.hasSynced;
  }

  /** Begins and ends as policies name nodes, or none does. */
  follow(isWanted: boolean): void {
    if (isWanted === (this.#leave !== undefined)) return;
    if (isWanted) {
      const put = (node: Node) => this.#put(node);
      const remove = (node: Node) => this.#remove(node);
      this.#leave = () => undefined; // what is there already is put at once
      this.#leave = this.#nodes.subscribe({ onAdd: put, onUpdate: put, onDelete: remove });
    } else {
      this.#leave?.();
      this.#leave = undefined;
      for (const node of this.#nodes.list()) this.#remove(node);
    }
  }

  #put(node: Node): void {
    for (const { table, family } of this.#sides)
      table.putNode(node.metadata.name, node.metadata.labels ?? {}, addressesOf(node, family));
    this.#onChange();
  }

  #remove({ metadata }: Node): void {
    for (const { table } of this.#sides) table.removeNode(metadata.name);
    this.#onChange();
  }
}

/** As it reports them, written anew from the numbers. */
export function addressesOf({ status }: Node, { version }: IpFamily): readonly string[] {
  const texts = (status?.addresses ?? []).flatMap(({ address }) => {
    const parsed = typeof address === "string" ? parseAddress(address) : undefined;
    if (parsed?.family !== version) return [];
    const text = addressText(parsed.family, parsed.value);
    return specialAddress(text) === undefined ? [text] : [];
  });
  return [...new Set(texts)];
}
