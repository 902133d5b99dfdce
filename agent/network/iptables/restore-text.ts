import { type Jump, type TableName, type Tables, tableNames } from "./table-chains.ts";

/** Input for `iptables-restore --noflush`: it takes a chain that is declared for one without rules, and leaves alone what is not
 *  named. The kernel takes each table of it whole or not at all. Pure. */
export interface TableChange {
  /** Written anew. */
  readonly chains: readonly (readonly [name: string, rules: readonly string[]])[];
  /** Ours, and not wanted any more: nothing leads to them once the others are written. */
  readonly goneChains: readonly string[];
  readonly goneJumps: readonly string[];
  /** In the order in which they are to stand, before all else. */
  readonly newJumps: readonly Jump[];
}

export type TablesChange = Readonly<Record<TableName, TableChange>>;

/** So many chains are written at once: for iptables-nft each further one costs more. */
const chainsAtOnceMax = 500;

/** What is to be carried out one after the other: each leads to nothing but what is there by then. None when nothing changes. */
export function restoreTexts(changes: TablesChange, chainsMax = chainsAtOnceMax): readonly string[] {
  const { filter, nat } = changes;
  if (nat.chains.length + nat.goneChains.length <= chainsMax)
    return [restoreText(changes)].filter((text) => text !== "");
  const only = (some: Partial<TableChange>) => restoreText({ filter: nothing, nat: { ...nothing, ...some } });
  const byRank = nat.chains.toSorted(([a], [b]) => rankOf(a) - rankOf(b));
  const base = byRank.filter(([name]) => rankOf(name) === ranks.length);
  const gone = nat.goneChains.toSorted((a, b) => rankOf(b) - rankOf(a));
  return [
    ...slices(byRank.slice(0, byRank.length - base.length), chainsMax).map((chains) => only({ chains })),
    restoreText({ filter, nat: { ...nat, chains: base, goneChains: [] } }),
    ...slices(gone, chainsMax).map((goneChains) => only({ goneChains })),
  ];
}

const nothing: TableChange = { chains: [], goneChains: [], goneJumps: [], newJumps: [] };

/** Chains of each lead to those of the ones before it alone; all others of the table lead to any. */
const ranks = ["MARK", "SEP", "SV", "EXT", "FW"];

function rankOf(chain: string): number {
  const rank = ranks.findIndex((kind) => chain.startsWith(`KUBE-${kind}`));
  return rank < 0 ? ranks.length : rank;
}

function slices<T>(list: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / length) }, (_, nth) =>
    list.slice(nth * length, (nth + 1) * length),
  );
}

/** Empty when nothing changes. */
export function restoreText(changes: TablesChange): string {
  return tableNames.map((table) => tableText(table, changes[table])).join("");
}

function tableText(table: TableName, { chains, goneChains, goneJumps, newJumps }: TableChange): string {
  if (chains.length + goneChains.length + goneJumps.length + newJumps.length === 0) return "";
  // The last name first: iptables-nft puts each into a sorted list, which it goes through from its beginning.
  const written = [...chains].sort(([a], [b]) => (a < b ? 1 : -1));
  const declared = [...chains.map(([name]) => name), ...goneChains].sort().reverse();
  const lines = [
    `*${table}`,
    ...declared.map((name) => `:${name} - [0:0]`),
    ...goneJumps.map((rule) => `-D ${rule}`),
    ...newJumps.toReversed().map(({ from, rule }) => `-I ${from} 1 ${rule.text}`),
    ...written.flatMap(([name, rules]) => rules.map((rule) => `-A ${name} ${rule}`)),
    ...[...goneChains]
      .sort()
      .reverse()
      .map((name) => `-X ${name}`),
    "COMMIT",
  ];
  return `${lines.join("\n")}\n`;
}

/** What the kernel has of ours in a table. */
export interface PresentTable {
  readonly chains: readonly string[];
  /** Rules of the kernel's own chains that lead to one of ours, as `iptables-save` writes them: `CHAIN options…`. */
  readonly jumps: readonly string[];
}

/** Makes everything as it is wanted, whatever is there. Jumps are made anew, in their order and before all others. */
export function wholeChange(
  present: Readonly<Record<TableName, PresentTable>>,
  wanted: Tables,
): TablesChange {
  const change = (table: TableName): TableChange => {
    const { chains, jumps } = wanted[table];
    return {
      chains: [...chains].map(([name, rules]) => [name, rules.map(({ text }) => text)]),
      goneChains: present[table].chains.filter((name) => !chains.has(name)),
      goneJumps: present[table].jumps,
      newJumps: jumps,
    };
  };
  return { filter: change("filter"), nat: change("nat") };
}
