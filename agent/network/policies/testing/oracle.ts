import type { NetworkPolicy } from "../../../../client/types.ts";

/** NetworkPolicy as its specification says it, one sentence after the other, over whole objects: slow, and sharing no line with
 *  what is tested. */

export interface OraclePod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ip: string;
  readonly ports: readonly {
    readonly name: string;
    readonly protocol: string;
    readonly containerPort: number;
  }[];
}

export interface OracleWorld {
  readonly policies: readonly NetworkPolicy[];
  readonly namespaces: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Somebody without labels: an address outside. */
export type OracleParty = OraclePod | { readonly ip: string };

export interface OracleTraffic {
  readonly from: OracleParty;
  readonly to: OracleParty;
  /** `TCP`, `UDP`, `SCTP`, or one that has no ports. */
  readonly protocol: string;
  readonly port: number;
}

/** "For a connection from a source pod to a destination pod to be allowed, both the egress policy on the source pod and the
 *  ingress policy on the destination pod need to allow the connection." "A Pod cannot block access to itself." */
export function isAllowed(world: OracleWorld, traffic: OracleTraffic): boolean {
  if (traffic.from.ip === traffic.to.ip) return true;
  return isSideAllowed(world, traffic, "Egress") && isSideAllowed(world, traffic, "Ingress");
}

/** What the policies for one of the two say. */
export function isSideAllowed(
  world: OracleWorld,
  traffic: OracleTraffic,
  type: "Ingress" | "Egress",
): boolean {
  const subject = type === "Ingress" ? traffic.to : traffic.from;
  const other = type === "Ingress" ? traffic.from : traffic.to;
  if (!("labels" in subject)) return true;
  const isolating = isolatingPolicies(world, subject, type);
  // "By default, a pod is non-isolated."
  if (isolating.length === 0) return true;
  // "The policies do not conflict; they are additive."
  return isolating.some(({ metadata, spec }) => {
    const rules = (type === "Ingress" ? spec.ingress : spec.egress) ?? [];
    return (rules as readonly Rule[]).some((rule) => {
      const peers = (type === "Ingress" ? rule.from : rule.to) ?? [];
      const ports = rule.ports ?? [];
      return (
        (peers.length === 0 || peers.some((peer) => isPeer(world, peer, other, metadata.namespace ?? ""))) &&
        (ports.length === 0 || ports.some((port) => isPort(port, traffic)))
      );
    });
  });
}

export function isolatingPolicies(
  { policies }: OracleWorld,
  subject: OraclePod,
  type: "Ingress" | "Egress",
): readonly NetworkPolicy[] {
  return policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === subject.namespace &&
      selects(spec.podSelector, subject.labels) &&
      typesOf(spec).includes(type),
  );
}

/** "If no policyTypes are specified then by default Ingress will always be set and Egress will be set if the NetworkPolicy has
 *  any egress rules." */
function typesOf(spec: NetworkPolicy["spec"]): readonly string[] {
  if (spec.policyTypes !== undefined && spec.policyTypes.length > 0) return spec.policyTypes;
  return (spec.egress ?? []).length > 0 ? ["Ingress", "Egress"] : ["Ingress"];
}

interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly Port[];
}
interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
}
interface Peer {
  readonly podSelector?: LabelSelector;
  readonly namespaceSelector?: LabelSelector;
  readonly ipBlock?: { readonly cidr: string; readonly except?: readonly string[] };
}
interface Port {
  readonly protocol?: string;
  readonly port?: number | string;
  readonly endPort?: number;
}

function isPeer(world: OracleWorld, peer: Peer, other: OracleParty, own: string): boolean {
  if (peer.ipBlock !== undefined)
    return (
      isIn(other.ip, peer.ipBlock.cidr) && !(peer.ipBlock.except ?? []).some((range) => isIn(other.ip, range))
    );
  if (!("labels" in other)) return false;
  const inNamespace =
    peer.namespaceSelector === undefined
      ? other.namespace === own
      : selects(peer.namespaceSelector, world.namespaces[other.namespace] ?? {});
  return inNamespace && (peer.podSelector === undefined || selects(peer.podSelector, other.labels));
}

function isPort(port: Port, { protocol, port: number, to }: OracleTraffic): boolean {
  if ((port.protocol ?? "TCP") !== protocol) return false;
  if (port.port === undefined) return true;
  // The destination's containers say what a name means.
  if (typeof port.port === "string")
    return (
      "ports" in to &&
      to.ports.some(
        (one) => one.name === port.port && one.protocol === protocol && one.containerPort === number,
      )
    );
  return number >= port.port && number <= (port.endPort ?? port.port);
}

export function selects(
  selector: LabelSelector | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const [key, value] of Object.entries(selector?.matchLabels ?? {}))
    if (labels[key] !== value) return false;
  for (const { key, operator, values = [] } of selector?.matchExpressions ?? []) {
    const value = labels[key];
    const holds =
      operator === "In"
        ? value !== undefined && values.includes(value)
        : operator === "NotIn"
          ? value === undefined || !values.includes(value)
          : operator === "Exists"
            ? value !== undefined
            : value === undefined;
    if (!holds) return false;
  }
  return true;
}

/** Bit by bit. */
export function isIn(ip: string, range: string): boolean {
  const [address = "", bits = "0"] = range.split("/");
  if (address.includes(":")) return false;
  return bitsOf(ip).slice(0, Number(bits)) === bitsOf(address).slice(0, Number(bits));
}

const bitsOf = (address: string): string =>
  address
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
