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
}

/** A map from keys to verdicts. */
export interface ElementMap {
  /** The key's type, e.g. `ipv4_addr . inet_proto . inet_service`. */
  readonly type: NftText;
  readonly elements: readonly { readonly key: NftText; readonly verdict: NftText }[];
}

export interface ElementSet {
  /** `type …;` and its flags. A set whose definition changes needs another name. */
  readonly definition: NftText;
  /** Absent for sets that rules fill. */
  readonly elements?: readonly NftText[];
}

export const emptyRuleset: Ruleset = { chains: {}, maps: {}, sets: {} };

/** Input for `nft -f -`, applied by the kernel as one transaction; empty when nothing differs. */
export function rulesetChange(table: string, from: Ruleset, to: Ruleset): string {
  const lines: NftText[] = [];
  const t = nft`ip ${table}`;
  const changedChains = Object.entries(to.chains).filter(
    ([name, chain]) => !sameChain(from.chains[name], chain),
  );
  const goneChains = Object.keys(from.chains).filter((name) => !(name in to.chains));
  const goneSets = Object.keys(from.sets).filter((name) => !(name in to.sets));
  for (const [name, { definition }] of Object.entries(to.sets))
    if (!(name in from.sets)) lines.push(nft`add set ${t} ${name} { ${definition} }`);
  for (const [name, { hook }] of changedChains)
    if (!(name in from.chains))
      lines.push(hook === undefined ? nft`add chain ${t} ${name}` : nft`add chain ${t} ${name} { ${hook} }`);
  for (const [name, map] of Object.entries(to.maps))
    if (!(name in from.maps)) lines.push(nft`add map ${t} ${name} { type ${map.type} : verdict; }`);
  const { gone, fresh } = elementChanges(from, to);
  // Elements that go away first: they may point at chains that go away too, or carry another verdict now.
  for (const { name, elements } of gone)
    lines.push(nft`delete element ${t} ${name} { ${nftList(elements)} }`);
  for (const [name] of changedChains) if (name in from.chains) lines.push(nft`flush chain ${t} ${name}`);
  for (const name of goneChains) lines.push(nft`flush chain ${t} ${name}`);
  for (const [name, chain] of changedChains)
    for (const rule of chain.rules) lines.push(nft`add rule ${t} ${name} ${rule}`);
  for (const { name, elements } of fresh) lines.push(nft`add element ${t} ${name} { ${nftList(elements)} }`);
  for (const name of goneChains) lines.push(nft`delete chain ${t} ${name}`);
  for (const name of goneSets) lines.push(nft`delete set ${t} ${name}`);
  return lines.map(({ text }) => `${text}\n`).join("");
}

interface ElementChange {
  /** The set's or map's. */
  readonly name: string;
  readonly elements: readonly NftText[];
}

function elementChanges(from: Ruleset, to: Ruleset): { gone: ElementChange[]; fresh: ElementChange[] } {
  const gone: ElementChange[] = [];
  const fresh: ElementChange[] = [];
  const compare = (name: string, before: Elements, after: Elements) => {
    const left = [...before].filter(([key, one]) => after.get(key)?.whole.text !== one.whole.text);
    const came = [...after].filter(([key, one]) => before.get(key)?.whole.text !== one.whole.text);
    if (left.length > 0) gone.push({ name, elements: left.map(([, { key }]) => key) });
    if (came.length > 0) fresh.push({ name, elements: came.map(([, { whole }]) => whole) });
  };
  for (const [name, map] of Object.entries(to.maps))
    compare(name, mapElements(from.maps[name]), mapElements(map));
  for (const [name, set] of Object.entries(to.sets))
    compare(name, setElements(from.sets[name]), setElements(set));
  return { gone, fresh };
}

/** By their key's text: what deletes an element, and what adds it. */
type Elements = ReadonlyMap<string, { readonly key: NftText; readonly whole: NftText }>;

function mapElements(map: ElementMap | undefined): Elements {
  return new Map(
    (map?.elements ?? []).map(({ key, verdict }) => [key.text, { key, whole: nft`${key} : ${verdict}` }]),
  );
}

function setElements(set: ElementSet | undefined): Elements {
  return new Map((set?.elements ?? []).map((key) => [key.text, { key, whole: key }]));
}

function sameChain(a: Chain | undefined, b: Chain): boolean {
  return (
    a !== undefined &&
    a.hook?.text === b.hook?.text &&
    a.rules.length === b.rules.length &&
    a.rules.every((rule, i) => rule.text === b.rules[i]?.text)
  );
}
