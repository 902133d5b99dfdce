import type { NftText } from "../nft-text.ts";

/** What a node's iptables are to hold, as plain values: chains of ours, and the rules in the kernel's own chains that lead to
 *  them. Pure. */
export type TableName = "filter" | "nat";
export const tableNames = ["filter", "nat"] as const satisfies readonly TableName[];

/** Options of one rule, behind `-A CHAIN`. */
export type Rule = NftText;

/** From one of the kernel's own chains to one of ours. */
export interface Jump {
  readonly from: "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";
  readonly rule: Rule;
}

export interface TableChains {
  /** In the order in which they stand, before anybody else's rules. */
  readonly jumps: readonly Jump[];
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
}

export type Tables = Readonly<Record<TableName, TableChains>>;

/** Is there while an agent keeps these tables, and nobody took them away. */
export const canaryChain = "PINTLE-CANARY";

/** Whether a chain is one of ours. Others of this prefix are the kubelet's and other programs'. */
export function isOwnChain(name: string): boolean {
  return (
    name === canaryChain || baseChains.has(name) || /^KUBE-(SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16}$/.test(name)
  );
}

const baseChains: ReadonlySet<string> = new Set([
  "KUBE-SERVICES",
  "KUBE-EXTERNAL-SERVICES",
  "KUBE-NODEPORTS",
  "KUBE-CLUSTER-IPS",
  "KUBE-BALANCER-POOL",
  "KUBE-PROXY-FIREWALL",
  "KUBE-FORWARD",
  "KUBE-MARK-MASQ",
  "KUBE-POSTROUTING",
]);
