/** One nftables table as a value, and the commands that turn one into another: only what differs is touched, so that the
 *  kernel's work follows the change, not the size of the cluster, and sets with learnt content survive. Pure. */
export interface Ruleset {
  readonly chains: Readonly<Record<string, Chain>>;
  readonly maps: Readonly<Record<string, VerdictMap>>;
  readonly sets: Readonly<Record<string, string>>;
}

export interface Chain {
  /** A base chain's `type … hook … priority …;`; absent for chains that are only jumped to. */
  readonly hook?: string;
  readonly rules: readonly string[];
}

export interface VerdictMap {
  /** The key's type, e.g. `ipv4_addr . inet_proto . inet_service`. */
  readonly type: string;
  readonly elements: Readonly<Record<string, string>>;
}

export const emptyRuleset: Ruleset = { chains: {}, maps: {}, sets: {} };

/** Input for `nft -f -`, applied by the kernel as one transaction; empty when nothing differs. */
export function rulesetChange(table: string, from: Ruleset, to: Ruleset): string {
  const lines: string[] = [];
  const t = `ip ${table}`;
  const changedChains = Object.entries(to.chains).filter(
    ([name, chain]) => !sameChain(from.chains[name], chain),
  );
  const goneChains = Object.keys(from.chains).filter((name) => !(name in to.chains));
  const goneSets = Object.keys(from.sets).filter((name) => !(name in to.sets));
  for (const [name, definition] of Object.entries(to.sets))
    if (!(name in from.sets)) lines.push(`add set ${t} ${name} { ${definition} }`);
  for (const [name, chain] of changedChains)
    if (!(name in from.chains))
      lines.push(`add chain ${t} ${name}${chain.hook === undefined ? "" : ` { ${chain.hook} }`}`);
  for (const [name, map] of Object.entries(to.maps))
    if (!(name in from.maps)) lines.push(`add map ${t} ${name} { type ${map.type} : verdict; }`);
  // Elements that go away first: they may point at chains that go away too, or carry another verdict now.
  for (const [name, map] of Object.entries(to.maps)) {
    const old = from.maps[name]?.elements ?? {};
    const gone = Object.keys(old).filter((key) => map.elements[key] !== old[key]);
    if (gone.length > 0) lines.push(`delete element ${t} ${name} { ${gone.join(", ")} }`);
  }
  for (const [name] of changedChains) if (name in from.chains) lines.push(`flush chain ${t} ${name}`);
  for (const name of goneChains) lines.push(`flush chain ${t} ${name}`);
  for (const [name, chain] of changedChains)
    for (const rule of chain.rules) lines.push(`add rule ${t} ${name} ${rule}`);
  for (const [name, map] of Object.entries(to.maps)) {
    const old = from.maps[name]?.elements ?? {};
    const fresh = Object.entries(map.elements).filter(([key, verdict]) => old[key] !== verdict);
    if (fresh.length > 0)
      lines.push(
        `add element ${t} ${name} { ${fresh.map(([key, verdict]) => `${key} : ${verdict}`).join(", ")} }`,
      );
  }
  for (const name of goneChains) lines.push(`delete chain ${t} ${name}`);
  for (const name of goneSets) lines.push(`delete set ${t} ${name}`);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function sameChain(a: Chain | undefined, b: Chain): boolean {
  return (
    a !== undefined &&
    a.hook === b.hook &&
    a.rules.length === b.rules.length &&
    a.rules.every((rule, i) => rule === b.rules[i])
  );
}
