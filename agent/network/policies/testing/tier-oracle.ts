import type { ClusterPolicy } from "../../../../client/cluster-policies.ts";
import {
  isIn,
  isolatingPolicies,
  isSideAllowed,
  type OracleParty,
  type OracleTraffic,
  type OracleWorld,
  selects,
} from "./oracle.ts";

/** The policies of sigs.k8s.io/network-policy-api as their types' comments say it, one sentence after the other, over whole
 *  objects: slow, and sharing no line with what is tested. */

export interface TierWorld extends OracleWorld {
  readonly clusterPolicies: readonly ClusterPolicy[];
  readonly nodes: readonly OracleNode[];
}

export interface OracleNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
}

type Side = "Ingress" | "Egress";
type Selector = Parameters<typeof selects>[0];
interface Pods {
  readonly namespaces?: Selector;
  readonly pods?: { readonly namespaceSelector?: Selector; readonly podSelector: Selector };
}
interface Peer extends Pods {
  readonly nodes?: Selector;
  readonly networks?: readonly string[];
  readonly domainNames?: readonly string[];
}
interface Port {
  readonly portNumber?: { readonly protocol?: string; readonly port: number };
  readonly portRange?: { readonly protocol?: string; readonly start: number; readonly end: number };
  readonly namedPort?: string;
}
type Attributes = {
  readonly destinationPort: {
    readonly number?: number;
    readonly range?: { readonly start: number; readonly end: number };
  };
};
interface Protocol {
  readonly tcp?: Attributes;
  readonly udp?: Attributes;
  readonly sctp?: Attributes;
  readonly destinationNamedPort?: string;
}
interface Rule {
  readonly action: string;
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly Port[];
  readonly protocols?: readonly Protocol[];
}
interface Spec {
  readonly tier?: string;
  readonly priority?: number;
  readonly subject: Pods;
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/** "Policy tiers are evaluated in the following order: Admin tier, NetworkPolicy tier, Baseline tier."
 *  @param isOwn Between a pod and itself or its own node, which no NetworkPolicy keeps apart. */
export function isTierSideAllowed(
  world: TierWorld,
  traffic: OracleTraffic,
  { side, isOwn }: { readonly side: Side; readonly isOwn: boolean },
): boolean {
  const subject = side === "Ingress" ? traffic.to : traffic.from;
  if (!("labels" in subject)) return true;
  const admin = firstAction(world, traffic, { side, tier: "Admin" });
  if (admin !== undefined && admin !== "Pass") return admin !== "Deny";
  // "v1.NetworkPolicy always makes a final decision for selected pods."
  if (isolatingPolicies(world, subject, side).length > 0) return isOwn || isSideAllowed(world, traffic, side);
  // "All pods can communicate with each other."
  return firstAction(world, traffic, { side, tier: "Baseline" }) !== "Deny";
}

/** "Policies with lower priority values have higher precedence." "A rule that appears at the top would take the highest
 *  precedence." */
function firstAction(
  world: TierWorld,
  traffic: OracleTraffic,
  { side, tier }: { readonly side: Side; readonly tier: string },
): string | undefined {
  const subject = side === "Ingress" ? traffic.to : traffic.from;
  const other = side === "Ingress" ? traffic.from : traffic.to;
  const policies = world.clusterPolicies
    .map((policy) => ({ policy, spec: policy.spec as Spec }))
    .filter(({ policy, spec }) => tierOf(policy, spec) === tier && isPod(world, spec.subject, subject))
    .sort((a, b) => (a.spec.priority ?? 9_999) - (b.spec.priority ?? 9_999));
  for (const { spec } of policies)
    for (const rule of (side === "Ingress" ? spec.ingress : spec.egress) ?? []) {
      const peers = (side === "Ingress" ? rule.from : rule.to) ?? [];
      // "Fail closed": a rule that accepts is for no traffic, any other one is a "deny all" rule.
      const known = ["namespaces", "pods", ...(side === "Egress" ? ["nodes", "networks"] : [])];
      const isUnknown = peers.some((peer) => {
        const [field = "", ...more] = Object.keys(peer);
        return !known.includes(field) || more.length > 0;
      });
      if (isUnknown && ["Allow", "Accept"].includes(rule.action)) continue;
      if (isUnknown) return "Deny";
      if (peers.some((peer) => isPeer(world, peer, other)) && isAtPorts(rule, traffic)) return rule.action;
    }
  return undefined;
}

function tierOf({ kind }: ClusterPolicy, { tier }: Spec): string {
  if (kind === "ClusterNetworkPolicy") return tier ?? "";
  return kind === "AdminNetworkPolicy" ? "Admin" : "Baseline";
}

function isPod(world: TierWorld, { namespaces, pods }: Pods, party: OracleParty): boolean {
  if (!("labels" in party)) return false;
  const ofNamespace = world.namespaces[party.namespace] ?? {};
  if (namespaces !== undefined) return selects(namespaces, ofNamespace);
  return (
    pods !== undefined &&
    selects(pods.namespaceSelector, ofNamespace) &&
    selects(pods.podSelector, party.labels)
  );
}

function isPeer(world: TierWorld, peer: Peer, other: OracleParty): boolean {
  if (peer.nodes !== undefined)
    return world.nodes.some(({ ip, labels }) => ip === other.ip && selects(peer.nodes, labels));
  if (peer.networks !== undefined) return peer.networks.some((network) => isIn(other.ip, network));
  return isPod(world, peer, other);
}

/** "If Ports is not set then the rule does not filter traffic via port." */
function isAtPorts({ ports = [], protocols = [] }: Rule, { protocol, port, to }: OracleTraffic): boolean {
  const isNamed = (name: string) =>
    "ports" in to &&
    to.ports.some((one) => one.name === name && one.protocol === protocol && one.containerPort === port);
  if (ports.length + protocols.length === 0) return true;
  return (
    ports.some(({ portNumber, portRange, namedPort }) => {
      if (namedPort !== undefined) return isNamed(namedPort);
      if (portNumber !== undefined)
        return (portNumber.protocol ?? "TCP") === protocol && portNumber.port === port;
      return (
        portRange !== undefined &&
        (portRange.protocol ?? "TCP") === protocol &&
        port >= portRange.start &&
        port <= portRange.end
      );
    }) ||
    protocols.some(({ destinationNamedPort, tcp, udp, sctp }) => {
      if (destinationNamedPort !== undefined) return isNamed(destinationNamedPort);
      const place = { TCP: tcp, UDP: udp, SCTP: sctp }[protocol]?.destinationPort;
      if (place?.range !== undefined) return port >= place.range.start && port <= place.range.end;
      return place?.number === port;
    })
  );
}
