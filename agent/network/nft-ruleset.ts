import type { Expression } from "./nfnetlink/expressions.ts";
import { type NftText, nft, nftList } from "./nft-text.ts";

/** One nftables table as a value, and the commands that turn one into another: only what differs is touched, so that the
 *  kernel's work follows the change, not the size of the cluster, and sets with learnt content survive. Pure. */
export interface Ruleset {
  readonly chains: Readonly<Record<string, Chain>>;
  readonly maps: Readonly<Record<string, ElementMap>>;
  readonly sets: Readonly<Record<string, ElementSet>>;
}

export interface Chain {
  /** A base chain's `type … hook … priority …;`; absent for chains that are only jumped to. */
  readonly hook?: NftText;
  readonly rules: readonly NftText[];
  /** The same rules as the kernel has them, where that is known: then no program need read the text. */
  readonly expressions?: readonly (readonly Expression[])[];
}

export interface ElementMap {
  /** `type KEY : VALUE`. A map whose definition changes needs another name. */
  readonly definition: NftText;
  readonly fields?: ElementFields;
  readonly elements: readonly { readonly key: NftText; readonly value: NftText }[];
}

export interface ElementSet {
  /** `type …;` and its flags. A set whose definition changes needs another name. */
  readonly definition: NftText;
  readonly fields?: ElementFields;
  /** Absent for sets that rules fill. */
  readonly elements?: readonly NftText[];
}

/** What the elements of a set are, in words between dots, or those of a map, key and value; known where they may be handed to the
 *  kernel without a program. */
export interface ElementFields {
  readonly key: readonly Field[];
  readonly value?: readonly Field[] | "verdict";
}
export type Field = "address4" | "address6" | "protocol" | "port" | "number";

export const emptyRuleset: Ruleset = { chains: {}, maps: {}, sets: {} };

/** What turns one table into another. */
export interface RulesetChange {
  readonly newSets: readonly NewSet[];
  readonly newMaps: readonly NewSet[];
  /** New ones, and those whose rules are others now. */
  readonly chains: readonly { readonly name: string; readonly chain: Chain; readonly isNew: boolean }[];
  /** What deletes them. Of an element that changes, the old one is here and the new one among the fresh. */
  readonly goneElements: readonly ElementChange[];
  readonly freshElements: readonly ElementChange[];
  readonly goneChains: readonly string[];
  readonly goneSets: readonly string[];
  readonly goneMaps: readonly string[];
}

interface NewSet {
  readonly name: string;
  readonly definition: NftText;
  readonly fields?: ElementFields;
}

export interface ElementChange {
  /** The set's or map's. */
  readonly name: string;
  readonly fields?: ElementFields;
  readonly elements: readonly NftText[];
}

export const emptyChange: RulesetChange = {
  newSets: [],
  newMaps: [],
  chains: [],
  goneElements: [],
  freshElements: [],
  goneChains: [],
  goneSets: [],
  goneMaps: [],
};

export const isEmpty = (change: RulesetChange): boolean =>
  Object.values(change).every((list: readonly unknown[]) => list.length === 0);

/** Input for `nft -f -`, applied by the kernel as one transaction; empty when nothing differs. */
export function rulesetChange(table: NftText, from: Ruleset, to: Ruleset): string {
  return changeText(table, changeBetween(from, to));
}

export function changeText(table: NftText, change: RulesetChange): string {
  const lines: NftText[] = [];
  for (const { name, definition } of change.newSets)
    lines.push(nft`add set ${table} ${name} { ${definition} }`);
  for (const { name, chain, isNew } of change.chains)
    if (isNew)
      lines.push(
        chain.hook === undefined
          ? nft`add chain ${table} ${name}`
          : nft`add chain ${table} ${name} { ${chain.hook} }`,
      );
  for (const { name, definition } of change.newMaps)
    lines.push(nft`add map ${table} ${name} { ${definition}; }`);
  // Elements that go away first: they may point at chains that go away too, or carry another verdict now.
  for (const { name, elements } of change.goneElements)
    lines.push(nft`delete element ${table} ${name} { ${nftList(elements)} }`);
  for (const { name, isNew } of change.chains) if (!isNew) lines.push(nft`flush chain ${table} ${name}`);
  for (const name of change.goneChains) lines.push(nft`flush chain ${table} ${name}`);
  for (const { name, chain } of change.chains)
    for (const rule of chain.rules) lines.push(nft`add rule ${table} ${name} ${rule}`);
  for (const { name, elements } of change.freshElements)
    lines.push(nft`add element ${table} ${name} { ${nftList(elements)} }`);
  for (const name of change.goneChains) lines.push(nft`delete chain ${table} ${name}`);
  for (const name of change.goneSets) lines.push(nft`delete set ${table} ${name}`);
  for (const name of change.goneMaps) lines.push(nft`delete map ${table} ${name}`);
  return lines.map(({ text }) => `${text}\n`).join("");
}

export function changeBetween(from: Ruleset, to: Ruleset): RulesetChange {
  const { goneElements, freshElements } = elementChanges(from, to);
  return {
    newSets: Object.entries(to.sets)
      .filter(([name]) => !(name in from.sets))
      .map(([name, { definition, fields }]) => ({ name, definition, ...(fields && { fields }) })),
    newMaps: Object.entries(to.maps)
      .filter(([name]) => !(name in from.maps))
      .map(([name, { definition, fields }]) => ({ name, definition, ...(fields && { fields }) })),
    chains: Object.entries(to.chains)
      .filter(([name, chain]) => !sameChain(from.chains[name], chain))
      .map(([name, chain]) => ({ name, chain, isNew: !(name in from.chains) })),
    goneElements,
    freshElements,
    goneChains: Object.keys(from.chains).filter((name) => !(name in to.chains)),
    goneSets: Object.keys(from.sets).filter((name) => !(name in to.sets)),
    goneMaps: Object.keys(from.maps).filter((name) => !(name in to.maps)),
  };
}

function elementChanges(from: Ruleset, to: Ruleset): Pick<RulesetChange, "goneElements" | "freshElements"> {
  const goneElements: ElementChange[] = [];
  const freshElements: ElementChange[] = [];
  const compare = (name: string, before: Elements, after: Elements, fields?: ElementFields) => {
    const left = [...before].filter(([key, one]) => after.get(key)?.whole.text !== one.whole.text);
    const came = [...after].filter(([key, one]) => before.get(key)?.whole.text !== one.whole.text);
    if (left.length > 0)
      goneElements.push({ name, ...(fields && { fields }), elements: left.map(([, { key }]) => key) });
    if (came.length > 0)
      freshElements.push({ name, ...(fields && { fields }), elements: came.map(([, { whole }]) => whole) });
  };
  for (const [name, map] of Object.entries(to.maps))
    compare(name, mapElements(from.maps[name]), mapElements(map), map.fields);
  for (const [name, set] of Object.entries(to.sets))
    compare(name, setElements(from.sets[name]), setElements(set), set.fields);
  return { goneElements, freshElements };
}

/** By their key's text: what deletes an element, and what adds it. */
type Elements = ReadonlyMap<string, { readonly key: NftText; readonly whole: NftText }>;

function mapElements(map: ElementMap | undefined): Elements {
  return new Map(
    (map?.elements ?? []).map(({ key, value }) => [key.text, { key, whole: nft`${key} : ${value}` }]),
  );
}

function setElements(set: ElementSet | undefined): Elements {
  return new Map((set?.elements ?? []).map((key) => [key.text, { key, whole: key }]));
}

export function sameChain(a: Chain | undefined, b: Chain | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.hook?.text === b.hook?.text &&
    a.rules.length === b.rules.length &&
    a.rules.every((rule, i) => rule.text === b.rules[i]?.text)
  );
}
