import {
  contains,
  hardwareAddressFor,
  type Ipv4Range,
  ipv4Text,
  overlap,
  parseIpv4,
  parseIpv4Range,
} from "../../../base/ipv4.ts";
import type { Node } from "../../../client/types.ts";
import { specialAddress } from "../parsed-input.ts";

/** How other nodes' pods are reached. "host-gw": through those nodes, which share a link with this one. "vxlan": in packets between
 *  the nodes' addresses. "auto": the one where it goes, the other elsewhere. "none": somebody else routes. */
export const podNetworkBackends = ["auto", "host-gw", "vxlan", "none"] as const;
export type PodNetworkBackend = (typeof podNetworkBackends)[number];

/** What this node is, as far as its routes to others go. */
export interface OwnPlace {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly podCidr: string;
  readonly clusterCidr?: string | undefined;
  readonly backend: PodNetworkBackend;
  /** Ranges whose addresses are reached on a link of the node, without a router. */
  readonly onLink: readonly string[];
}

/** Where another node's pods are. All texts are written anew from what was read. */
export interface Peer {
  readonly node: string;
  /** Its pods' range. */
  readonly range: string;
  /** Its own address. */
  readonly nodeIp: string;
  /** What its end of the overlay is called there; undefined where the two share a link. */
  readonly overlay?: { readonly address: string; readonly hardwareAddress: string };
}

export interface PeerPlan {
  /** By their ranges, of which no two overlap. */
  readonly peers: readonly Peer[];
  /** This node's own end of the overlay, where it has any peers. */
  readonly overlay?: { readonly address: string; readonly hardwareAddress: string };
  /** Nodes whose pods are not reached, and why. */
  readonly faults: readonly { readonly node: string; readonly why: string }[];
}

/** From Nodes to where their pods are. What a Node says of itself is anybody's: a range that is no range of pods, or is somebody
 *  else's, leads nowhere. Pure. */
export function planPeers(nodes: readonly Node[], own: OwnPlace): PeerPlan {
  const faults: { node: string; why: string }[] = [];
  const peers: Peer[] = [];
  if (own.backend === "none") return { peers, faults };
  const taken: { readonly node: string; readonly range: Ipv4Range }[] = [];
  const ownRange = parseIpv4Range(own.podCidr);
  if (ownRange !== undefined) taken.push({ node: own.nodeName, range: ownRange });
  for (const node of [...nodes].sort(byAge)) {
    const { name } = node.metadata;
    if (name === own.nodeName) continue;
    const range = podRangeOf(node, own);
    const nodeIp = nodeIpOf(node);
    // A node that has not both yet is no fault.
    if (range === undefined || nodeIp === undefined) continue;
    const refuse = (why: string) => void faults.push({ node: name, why });
    if (typeof range === "string") refuse(range);
    else if (isOdd(nodeIp, own)) refuse(`its address ${nodeIp} is none of another machine`);
    else {
      const other = taken.find((one) => overlap(one.range, range));
      const overlay = own.backend === "vxlan" || !isOnLink(nodeIp, own);
      if (other !== undefined) refuse(`its range ${range.text} is ${other.node}'s, too`);
      else if (overlay && own.backend === "host-gw")
        refuse(`its address ${nodeIp} is on none of this node's links, and --pod-network-backend is host-gw`);
      else if (overlay && ownRange === undefined) refuse("this node has no range of pods");
      else {
        taken.push({ node: name, range });
        peers.push({ node: name, range: range.text, nodeIp, ...(overlay && { overlay: endOf(range) }) });
      }
    }
  }
  const needsOverlay = peers.some(({ overlay }) => overlay !== undefined);
  peers.sort((a, b) => (a.range < b.range ? -1 : 1));
  return { peers, ...(needsOverlay && ownRange !== undefined && { overlay: endOf(ownRange) }), faults };
}

/** A node's end of the overlay is named after its range: its first address, which no pod has. So nobody need tell. */
function endOf(range: Ipv4Range): { readonly address: string; readonly hardwareAddress: string } {
  const address = ipv4Text(range.first);
  return { address, hardwareAddress: hardwareAddressFor(address) };
}

/** The one that was first keeps a range. */
function byAge(a: Node, b: Node): number {
  const ageOf = ({ metadata }: Node) => `${metadata.creationTimestamp ?? "9"} ${metadata.name}`;
  return ageOf(a) < ageOf(b) ? -1 : 1;
}

function nodeIpOf(node: Node): string | undefined {
  for (const { type, address } of node.status?.addresses ?? []) {
    const number = type === "InternalIP" ? parseIpv4(address) : undefined;
    if (number !== undefined) return ipv4Text(number);
  }
  return undefined;
}

/** A text is why it is none. */
function podRangeOf(node: Node, own: OwnPlace): Ipv4Range | string | undefined {
  const texts = node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? ""];
  const text = texts.find((one) => one !== "" && !one.includes(":"));
  if (text === undefined) return undefined;
  const range = parseIpv4Range(text);
  const shown = JSON.stringify(text).slice(0, 40);
  if (range === undefined || range.prefixBits < 8 || range.prefixBits > 30)
    return `its range ${shown} is none of pods`;
  const all = parseIpv4Range(own.clusterCidr ?? "");
  if (all !== undefined && !(contains(all, range.first) && range.size <= all.size))
    return `its range ${shown} is not of the cluster's ${all.text}`;
  if (specialAddress(ipv4Text(range.first)) !== undefined) return `its range ${shown} is none of pods`;
  return range;
}

/** Where no other machine can be. */
function isOdd(nodeIp: string, own: OwnPlace): boolean {
  const number = parseIpv4(nodeIp) ?? 0;
  const pods = [own.podCidr, own.clusterCidr ?? ""].flatMap((text) => parseIpv4Range(text) ?? []);
  return (
    nodeIp === own.nodeIp ||
    specialAddress(nodeIp) !== undefined ||
    pods.some((range) => contains(range, number))
  );
}

function isOnLink(nodeIp: string, own: OwnPlace): boolean {
  const number = parseIpv4(nodeIp) ?? 0;
  return own.onLink.some((text) => {
    const range = parseIpv4Range(text);
    return range !== undefined && contains(range, number);
  });
}
