import {
  type Chain,
  type ElementFields,
  type ElementMap,
  type Ruleset,
  type RulesetChange,
  sameChain,
} from "./nft-ruleset.ts";
import { type NftText, nft } from "./nft-text.ts";

/** An nftables table that is changed bit by bit, and remembers what changed since it was last asked: telling costs what
 *  changed, not what is there. A name means one set or map for good. No input or output.
 *  Invariant: applying what `takeChange` answers, in turn, to an empty table gives `whole()`. */
export class LiveRuleset {
  readonly #chains = new Map<string, Chain>();
  readonly #containers = new Map<string, Container>();
  /** What stood there when it was last told. */
  readonly #chainsBefore = new Map<string, Chain | undefined>();
  readonly #containersBefore = new Map<string, Container["kind"] | undefined>();
  readonly #elementsBefore = new Map<string, Map<string, Element | undefined>>();

  constructor(maps: Readonly<Record<string, MapHead>>) {
    for (const [name, head] of Object.entries(maps)) this.addMap(name, head);
  }

  putChain(name: string, chain: Chain): void {
    this.#noteChain(name);
    this.#chains.set(name, chain);
  }

  removeChain(name: string): void {
    this.#noteChain(name);
    this.#chains.delete(name);
  }

  addSet(name: string, definition: NftText, fields?: ElementFields): void {
    this.#add(name, "set", { definition, ...(fields && { fields }) });
  }

  addMap(name: string, { definition, fields }: MapHead): void {
    this.#add(name, "map", { definition, ...(fields && { fields }) });
  }

  /** A set or a map, with what it has. */
  removeSet(name: string): void {
    const set = this.#containers.get(name);
    if (set === undefined) return;
    for (const { key } of [...set.elements.values()]) this.removeElement(name, key);
    this.#noteContainer(name);
    this.#containers.delete(name);
  }

  addElement(set: string, key: NftText): void {
    this.#put(set, key.text, { key });
  }

  putEntry(map: string, key: NftText, value: NftText): void {
    this.#put(map, key.text, { key, value });
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
      goneMaps: [],
    };
    for (const [name, before] of this.#containersBefore) {
      const now = this.#containers.get(name);
      if (now !== undefined && before === undefined) {
        (now.kind === "set" ? change.newSets : change.newMaps).push({ name, ...now.head });
        change.freshElements.push(...changeOf(name, now, [...now.elements.values()].map(wholeOf)));
      }
      if (now === undefined && before !== undefined)
        (before === "set" ? change.goneSets : change.goneMaps).push(name);
    }
    for (const [name, before] of this.#chainsBefore) {
      const chain = this.#chains.get(name);
      if (sameChain(before, chain)) continue;
      if (chain === undefined) change.goneChains.push(name);
      else change.chains.push({ name, chain, isNew: before === undefined });
    }
    for (const [name, befores] of this.#elementsBefore) {
      const container = this.#containers.get(name);
      if (container === undefined) continue; // they go with their set
      const now = container.elements;
      const differing = [...befores]
        .map(([key, before]) => ({ before, after: now.get(key) }))
        .filter(
          ({ before, after }) =>
            (before === undefined) !== (after === undefined) || before?.value?.text !== after?.value?.text,
        );
      const gone = differing.flatMap(({ before }) => (before === undefined ? [] : [before.key]));
      const fresh = differing.flatMap(({ after }) => (after === undefined ? [] : [wholeOf(after)]));
      change.goneElements.push(...changeOf(name, container, gone));
      change.freshElements.push(...changeOf(name, container, fresh));
    }
    this.forgetChange();
    return change;
  }

  /** As `takeChange`, for who wants the whole. */
  forgetChange(): void {
    this.#containersBefore.clear();
    this.#chainsBefore.clear();
    this.#elementsBefore.clear();
  }

  /** The table as it is. */
  whole(): Ruleset {
    const sets: Record<string, Ruleset["sets"][string]> = {};
    const maps: Record<string, Ruleset["maps"][string]> = {};
    for (const [name, { kind, head, elements }] of this.#containers) {
      if (kind === "set") sets[name] = { ...head, elements: [...elements.values()].map(({ key }) => key) };
      else
        maps[name] = {
          ...head,
          elements: [...elements.values()].map(({ key, value }) => ({ key, value: value ?? nft`` })),
        };
    }
    return { chains: Object.fromEntries(this.#chains), maps, sets };
  }

  #put(name: string, keyText: string, element: Element | undefined): void {
    const container = this.#containers.get(name);
    if (container === undefined) return;
    if (!this.#isNew(name)) {
      const befores = this.#elementsBefore.get(name) ?? new Map<string, Element | undefined>();
      this.#elementsBefore.set(name, befores);
      if (!befores.has(keyText)) befores.set(keyText, container.elements.get(keyText));
    }
    if (element === undefined) container.elements.delete(keyText);
    else container.elements.set(keyText, element);
  }

  /** Since it was last told: all that it has is new. */
  #isNew(name: string): boolean {
    return this.#containersBefore.has(name) && this.#containersBefore.get(name) === undefined;
  }

  #noteChain(name: string): void {
    if (!this.#chainsBefore.has(name)) this.#chainsBefore.set(name, this.#chains.get(name));
  }

  #add(name: string, kind: Container["kind"], head: MapHead): void {
    this.#noteContainer(name);
    this.#containers.set(name, { kind, head, elements: new Map() });
  }

  #noteContainer(name: string): void {
    if (!this.#containersBefore.has(name)) this.#containersBefore.set(name, this.#containers.get(name)?.kind);
  }
}

type MapHead = Omit<ElementMap, "elements">;

interface Container {
  readonly kind: "set" | "map";
  readonly head: MapHead;
  readonly elements: Map<string, Element>;
}

interface Element {
  /** What deletes it. */
  readonly key: NftText;
  readonly value?: NftText;
}

/** What adds it. */
const wholeOf = ({ key, value }: Element): NftText => (value === undefined ? key : nft`${key} : ${value}`);

const changeOf = (name: string, { head: { fields } }: Container, elements: readonly NftText[]) =>
  elements.length === 0 ? [] : [{ name, ...(fields && { fields }), elements }];

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };
