import type { IpFamily } from "../ip-family.ts";
import type { CompiledClusterPolicy, CompiledPolicy, Direction, NamedPort } from "./policy-model.ts";
import { type VerdictChain, verdictChain } from "./verdict-chain.ts";
import { namesOwnPorts, tierRules, type VerdictRule, verdictRules } from "./verdict-rules.ts";

export const verdictLimits = {
  /** nftables rules of one pod in one direction, and the ranges of addresses in them. A pod whose policies ask for more is
   *  let alone by all. */
  rulesMost: 8_192,
  addressRangesMost: 65_536,
  /** Verdicts remembered so that pods with the same policies are judged once. */
  rememberedMost: 1_024,
} as const;

/** The policies that are for a pod, of each tier in the order that they are asked in. */
export interface PodPolicies {
  readonly admin: readonly CompiledClusterPolicy[];
  readonly policies: readonly CompiledPolicy[];
  readonly baseline: readonly CompiledClusterPolicy[];
}

export interface Verdict {
  /** Absent: everything is let through. */
  readonly chain?: VerdictChain;
  /** For what a pod has with itself through a Service and with its own node: no network policy keeps it from that, but
   *  those of the whole cluster may. */
  readonly ownChain?: VerdictChain;
  readonly problem?: string;
}

/** What the policies for a pod mean together, with a memory. No input or output. */
export class PodVerdicts {
  readonly #family: IpFamily;
  readonly #known = new Map<string, Verdict>();

  constructor(family: IpFamily) {
    this.#family = family;
  }

  /** Some policy says something else than before. */
  forget(): void {
    this.#known.clear();
  }

  verdict(direction: Direction, of: PodPolicies, ownPorts: readonly NamedPort[]): Verdict {
    const { admin, policies, baseline } = of;
    const all = [admin, policies, baseline];
    const ports = all.some((some) => namesOwnPorts(direction, some)) ? ownPorts : [];
    const key = JSON.stringify([direction, all.map((some) => some.map(({ id }) => id)), ports]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const verdict = this.#judge(direction, {
      admin: tierRules(direction, admin, ports),
      policies: verdictRules(direction, policies, ports),
      baseline: tierRules(direction, baseline, ports),
    });
    if (this.#known.size >= verdictLimits.rememberedMost) this.#known.clear();
    this.#known.set(key, verdict);
    return verdict;
  }

  #judge(direction: Direction, { admin, policies, baseline }: TierVerdicts): Verdict {
    const chainOf = (rules: readonly VerdictRule[], otherwise: "drop" | "return" | VerdictChain) =>
      verdictChain(direction, rules, this.#family, otherwise);
    const isTiered = admin !== undefined || baseline !== undefined;
    const problem = tooMuch(
      direction,
      [admin, policies, baseline].flatMap((rules) => rules ?? []),
    );
    if (problem !== undefined) {
      const chain = chainOf([], "drop");
      return { chain, ...(isTiered && { ownChain: chain }), problem };
    }
    // Where a network policy is for the pod, it decides, and the baseline is not asked.
    const afterPolicies = baseline === undefined ? undefined : chainOf(baseline, "return");
    const after = policies === undefined ? afterPolicies : chainOf(policies, "drop");
    const ownAfter = policies === undefined ? afterPolicies : undefined;
    const from = (next: VerdictChain | undefined) =>
      admin === undefined ? next : chainOf(admin, next ?? "return");
    const [chain, ownChain] = [from(after), from(ownAfter)];
    return { ...(chain !== undefined && { chain }), ...(ownChain !== undefined && { ownChain }) };
  }
}

/** Absent: no policy says anything of that direction. */
type TierVerdicts = Readonly<Record<keyof PodPolicies, readonly VerdictRule[] | undefined>>;

function tooMuch(direction: Direction, rules: readonly VerdictRule[]): string | undefined {
  const ranges = rules.reduce(
    (sum, { peer }) => sum + (peer !== undefined && "addresses" in peer ? peer.addresses.length : 0),
    0,
  );
  const { rulesMost, addressRangesMost } = verdictLimits;
  if (rules.length <= rulesMost && ranges <= addressRangesMost) return undefined;
  return `the ${direction} of a pod's policies together takes ${rules.length} rules and ${ranges} ranges of addresses, more than ${rulesMost} and ${addressRangesMost}; allows nothing`;
}
