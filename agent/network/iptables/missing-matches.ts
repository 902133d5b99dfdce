import { describeError } from "../../../base/os/log.ts";
import type { IptablesTool } from "./iptables-tool.ts";
import { canaryChain } from "./table-chains.ts";

/** What rules of Services ask of the kernel, each as a rule that changes nothing. */
const asked: Readonly<Record<string, readonly [table: "filter" | "nat", rule: string]>> = {
  "the table filter with REJECT": ["filter", "-j REJECT"],
  "the table nat with DNAT": ["nat", "-p tcp -m tcp -j DNAT --to-destination :1"],
  "the target MASQUERADE": ["nat", "-j MASQUERADE --random-fully"],
  "the match comment": ["nat", '-m comment --comment "a"'],
  "the match addrtype": ["nat", "-m addrtype --dst-type LOCAL"],
  "the match conntrack": ["filter", "-m conntrack --ctstate NEW"],
  "the match statistic": ["nat", "-m statistic --mode random --probability 0.5"],
  "the match and the target mark": ["nat", "-m mark --mark 0x4000/0x4000 -j MARK --or-mark 0x4000"],
  "the match recent (session affinity)": [
    "nat",
    `-m recent --name ${canaryChain} --rcheck --seconds 1 --reap`,
  ],
};
const poolAsks: typeof asked = {
  "the match iprange (load balancers' pools)": ["filter", "-m iprange --dst-range 192.0.2.1-192.0.2.2"],
};
const sctpAsks: typeof asked = { sctp: ["nat", "-p sctp -m sctp --dport 1"] };

export interface KernelMatches {
  /** What Services cannot do without, in words. */
  readonly missing: readonly string[];
  readonly hasSctp: boolean;
}

/** Tries in a chain that nothing leads to. Leaves it there, empty, for the tables that follow. */
export async function tryMatches(
  tool: IptablesTool,
  { hasPool }: { readonly hasPool: boolean },
): Promise<KernelMatches> {
  const all = Object.entries(hasPool ? { ...asked, ...poolAsks } : asked);
  const missing: string[] = [];
  // At once, or one by one where that fails.
  if (
    (await refusal(
      tool,
      all.map(([, one]) => one),
    )) !== undefined
  )
    for (const [what, one] of all) {
      const why = await refusal(tool, [one]);
      if (why !== undefined) missing.push(`${what} (${why})`);
    }
  return { missing, hasSctp: (await refusal(tool, Object.values(sctpAsks))) === undefined };
}

async function refusal(
  tool: IptablesTool,
  rules: readonly (readonly [table: "filter" | "nat", rule: string])[],
): Promise<string | undefined> {
  const tables = (["filter", "nat"] as const).filter((table) => rules.some(([of]) => of === table));
  const text = (withRules: boolean) =>
    tables
      .map((table) => {
        const own = rules
          .filter(([of]) => withRules && of === table)
          .map(([, one]) => `-A ${canaryChain} ${one}`);
        return `${[`*${table}`, `:${canaryChain} - [0:0]`, ...own, "COMMIT"].join("\n")}\n`;
      })
      .join("");
  try {
    await tool.restore(text(true));
    await tool.restore(text(false));
    return undefined;
  } catch (error) {
    return describeError(error).split("\n")[0];
  }
}
