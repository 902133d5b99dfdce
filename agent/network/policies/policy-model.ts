import type { Labels, Selector } from "../../../base/label-selector.ts";
import type { NumberRange } from "../../../base/number-ranges.ts";
import type { ClusterPolicy } from "../../../client/cluster-policies.ts";
import type { NetworkPolicy } from "../../../client/types.ts";

/** What a node knows of network policies, as plain values: all of it was parsed, nothing is text of others. */

export type Direction = "ingress" | "egress";
export type Protocol = "tcp" | "udp" | "sctp";

/** A pod that has an address of its own, as far as policies ask. */
export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  /** Of the table's family, written anew from the numbers. */
  readonly addresses: readonly string[];
  readonly ports: readonly NamedPort[];
}

export interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** Pods that a rule names by their labels. */
export interface PeerGroup {
  /** One namespace by its name, or those with such labels; or `nodesPlace`. */
  readonly namespaces: { readonly name: string } | { readonly selector: Selector };
  readonly pods: Selector;
  /** Not the pods as a whole, but the port that each calls so. */
  readonly port?: { readonly name: string; readonly protocol: Protocol };
}

export interface CompiledPolicy {
  /** `namespace/name` */
  readonly id: string;
  readonly policy: NetworkPolicy;
  readonly namespace: string;
  /** The pods it is for. */
  readonly selector: Selector;
  /** What it lets in; absent: it says nothing of that direction. */
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
  /** What of it could not be read, and so allows nothing. */
  readonly problems: readonly string[];
}

/** A policy for pods of the whole cluster: asked before network policies, or after them where none of them is for the pod. */
export interface CompiledClusterPolicy {
  /** `Kind name` */
  readonly id: string;
  readonly policy: ClusterPolicy;
  readonly tier: "admin" | "baseline";
  /** The lower, the earlier in its tier. */
  readonly priority: number;
  /** Absent where it cannot be read: then it is for nobody. */
  readonly subject?: { readonly namespaces: Selector; readonly pods: Selector };
  /** The first rule that traffic meets decides. */
  readonly ingress: readonly TierRule[];
  readonly egress: readonly TierRule[];
  /** What of it could not be read, with what becomes of it. */
  readonly problems: readonly string[];
}

export interface TierRule extends PolicyRule {
  readonly action: TierAction;
}

/** To pass is to ask the next tier. */
export type TierAction = "accept" | "deny" | "pass";

/** Traffic that one of the peers has, at one of the ports. */
export interface PolicyRule {
  /** Absent: anybody. */
  readonly peers?: RulePeers;
  /** Absent: any port of any protocol. */
  readonly ports?: readonly RulePort[];
}

export interface RulePeers {
  readonly groups: readonly PeerGroup[];
  /** Blocks without their exceptions, merged. */
  readonly addresses: readonly AddressSpan[];
}

/** Addresses from one to another, both among them, written anew from the numbers. */
export interface AddressSpan {
  readonly first: string;
  readonly last: string;
}

export type RulePort =
  | { readonly protocol: Protocol; readonly range: NumberRange }
  /** As the pod that is connected to calls it. */
  | { readonly protocol: Protocol; readonly name: string };

/** Where nodes are peers, as if they were pods of a namespace that no namespace can be called. */
export const nodesPlace = "/nodes";
export const allPorts: NumberRange = { first: 0, last: 65_535 };
/** The last addresses, by the first ones. */
export const allAddresses: Readonly<Record<string, string>> = {
  "0.0.0.0": "255.255.255.255",
  "::": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
};
/** Every pod of the cluster. */
export const everywhere: Pick<PeerGroup, "namespaces" | "pods"> = { namespaces: { selector: [] }, pods: [] };
