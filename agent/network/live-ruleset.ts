import { type Chain, type Ruleset, type RulesetChange, sameChain } from "./nft-ruleset.ts";
import { type NftText, nft } from "./nft-text.ts";

/** An nftables table that is changed bit by bit, and remembers what changed since it was last asked: telling costs what
 *  changed, not what is there. Maps are made with it and stay. No input or output.
 *  Invariant: applying what `takeChange` answers, in turn, to an empty table gives `whole()`. */
export class LiveRuleset {
  readonly #chains = new Map<string, Chain>();
  readonly #containers = new Map<string, Container>();
  readonly #newMaps = new Set<string>();
  /** What stood there when it was last told. */
  readonly #chainsBefore = new Map<string, Chain | undefined>();
  readonly #setsBefore = new Map<string, boolean>();
  readonly #elementsBefore = new Map<string, Map<string, Element | undefined>>();

  constructor(maps: Readonly<Record<string, NftText>>) {
    for (const [name, type] of Object.entries(maps)) {
      this.#containers.set(name, { kind: "map", head: type, elements: new Map() });
      this.#newMaps.add(name);
    }
  }

  putChain(name: string, chain: Chain): void {
    this.#noteChain(name);
    this.#chains.set(name, chain);
  }

  removeChain(name: string): void {
    this.#noteChain(name);
    this.#chains.delete(name);
  }

  addSet(name: string, definition: NftText): void {
    this.#noteSet(name);
    this.#containers.set(name, { kind: "set", head: definition, elements: new Map() });
  }

  removeSet(name: string): void {
    const set = this.#containers.get(name);
    if (set === undefined) return;
    for (const { key } of [...set.elements.values()]) this.removeElement(name, key);
    this.#noteSet(name);
    this.#containers.delete(name);
  }

  addElement(set: string, key: NftText): void {
    this.#put(set, key.text, { key, whole: key });
  }

  putVerdict(map: string, key: NftText, verdict: NftText): void {
    this.#put(map, key.text, { key, verdict, whole: nft`${key} : ${verdict}` });
  }

  removeElement(name: string, key: NftText): void {
    this.#put(name, key.text, undefined);
  }

  has(name: string, key: NftText): boolean {
    return this.#containers.get(name)?.elements.has(key.text) ?? false;
  }

  /** What changed since it was last taken. */
  takeChange(): RulesetChange {
    const change: Mutable<RulesetChange> = {
      newSets: [],
      newMaps: [],
      chains: [],
      goneElements: [],
      freshElements: [],
      goneChains: [],
      goneSets: [],
    };
    for (const name of this.#newMaps)
      change.newMaps.push({ name, type: this.#containers.get(name)?.head ?? nft`` });
    for (const [name, wasThere] of this.#setsBefore) {
      const now = this.#containers.get(name);
      if (now !== undefined && !wasThere) change.newSets.push({ name, definition: now.head });
      if (now === undefined && wasThere) change.goneSets.push(name);
    }
    for (const [name, before] of this.#chainsBefore) {
      const chain = this.#chains.get(name);
      if (sameChain(before, chain)) continue;
      if (chain === undefined) change.goneChains.push(name);
      else change.chains.push({ name, chain, isNew: before === undefined });
    }
    for (const [name, befores] of this.#elementsBefore) {
      const now = this.#containers.get(name)?.elements;
      if (now === undefined) continue; // they go with their set
      const differing = [...befores]
        .map(([key, before]) => ({ before, after: now.get(key) }))
        .filter(({ before, after }) => before?.whole.text !== after?.whole.text);
      const gone = differing.flatMap(({ before }) => (before === undefined ? [] : [before.key]));
      const fresh = differing.flatMap(({ after }) => (after === undefined ? [] : [after.whole]));
      if (gone.length > 0) change.goneElements.push({ name, elements: gone });
      if (fresh.length > 0) change.freshElements.push({ name, elements: fresh });
    }
    this.#newMaps.clear();
    this.#setsBefore.clear();
    this.#chainsBefore.clear();
    this.#elementsBefore.clear();
    return change;
  }

  /** The table as it is. */
  whole(): Ruleset {
    const sets: Record<string, Ruleset["sets"][string]> = {};
    const maps: Record<string, Ruleset["maps"][string]> = {};
    for (const [name, { kind, head, elements }] of this.#containers) {
      if (kind === "set")
        sets[name] = { definition: head, elements: [...elements.values()].map(({ key }) => key) };
      else
        maps[name] = {
          type: head,
          elements: [...elements.values()].map(({ key, verdict }) => ({ key, verdict: verdict ?? nft`` })),
        };
    }
    return { chains: Object.fromEntries(this.#chains), maps, sets };
  }

  #put(name: string, keyText: string, element: Element | undefined): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    const befores = this.#elementsBefore.get(name) ?? new Map<string, Element | undefined>();
    this.#elementsBefore.set(name, befores);
    if (!befores.has(keyText)) befores.set(keyText, container.elements.get(keyText));
    if (element === undefined) container.elements.delete(keyText);
    else container.elements.set(keyText, element);
  }

  #noteChain(name: string): void {
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, this.#chains.get(name));
  }

  #noteSet(name: string): void {
    if (!this.#setsBefore.has(name)) this.#setsBefore.set(name, this.#containers.has(name));
  }
}

interface Container {
  readonly kind: "set" | "map";
  /** A set's definition, or the type of a map's keys. */
  readonly head: NftText;
  readonly elements: Map<string, Element>;
}

interface Element {
  /** What deletes it. */
  readonly key: NftText;
  readonly verdict?: NftText;
  /** What adds it. */
  readonly whole: NftText;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
