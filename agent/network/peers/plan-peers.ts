import {
  addressText,
  canonicalAddress,
  type IpRange,
  ipRangeSize,
  ipRangeText,
  parseAddress,
  parseIpRange,
  rangeContains,
  rangesOverlap,
} from "../../../base/ip-range.ts";
import { hardwareAddressFor } from "../../../base/ipv4.ts";
import type { Node } from "../../../client/types.ts";
import { parseRange } from "../address-pool.ts";
import { isInRange, specialAddress } from "../parsed-input.ts";

/** How other nodes' pods are reached. "host-gw": through those nodes, which share a link with this one. "vxlan": in packets between
 *  the nodes' addresses. "auto": the one where it goes, the other elsewhere. "none": somebody else routes. */
export const podNetworkBackends = ["auto", "host-gw", "vxlan", "none"] as const;
export type PodNetworkBackend = (typeof podNetworkBackends)[number];

/** What this node is in one family. */
export interface OwnFamily {
  readonly podCidr: string;
  readonly clusterCidr?: string | undefined;
}

/** What this node is, as far as its routes to others go. What is said of no family is IPv4's. */
export interface OwnPlace extends OwnFamily {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly backend: PodNetworkBackend;
  /** Present where its pods have IPv6 addresses, too. */
  readonly v6?: (OwnFamily & { readonly nodeIp?: string }) | undefined;
  /** Ranges whose addresses are reached on a link of the node, without a router. */
  readonly onLink: readonly string[];
}

/** Where pods of another node are in one family. All texts are written anew from what was read. */
export interface Peer {
  readonly node: string;
  /** Its pods' range. */
  readonly range: string;
  /** Its own address: of the range's family, or of IPv4 where the overlay leads there. */
  readonly nodeIp: string;
  /** What its end of the overlay is called there; undefined where the two share a link. */
  readonly overlay?: OverlayName;
}

export interface OverlayName {
  readonly address: string;
  readonly hardwareAddress: string;
}

export interface PeerPlan {
  /** By their ranges, of which no two overlap. */
  readonly peers: readonly Peer[];
  /** This node's own end of the overlay, where it has any peers. */
  readonly overlay?: OverlayName & { readonly v6Address?: string };
  /** Nodes whose pods are not reached, and why. */
  readonly faults: readonly { readonly node: string; readonly why: string }[];
}

interface Taken {
  readonly node: string;
  readonly range: IpRange;
}

/** From Nodes to where their pods are. What a Node says of itself is anybody's: a range that is no range of pods, or is somebody
 *  else's, leads nowhere. Pure. */
export function planPeers(nodes: readonly Node[], own: OwnPlace): PeerPlan {
  const faults: { node: string; why: string }[] = [];
  const peers: Peer[] = [];
  if (own.backend === "none") return { peers, faults };
  const ownRange = parseIpRange(own.podCidr);
  const ownRange6 = parseIpRange(own.v6?.podCidr ?? "");
  const taken: Taken[] = [ownRange ?? [], ownRange6 ?? []]
    .flat()
    .map((range) => ({ node: own.nodeName, range }));
  for (const node of [...nodes].sort(byAge)) {
    const { name } = node.metadata;
    if (name === own.nodeName) continue;
    const range = podRangeOf(node, 4, own);
    const nodeIp = nodeIpOf(node, 4);
    // A node that has not both yet is no fault.
    if (range === undefined || nodeIp === undefined) continue;
    const refuse = (why: string) => void faults.push({ node: name, why });
    if (typeof range === "string") refuse(range);
    else if (isOdd(nodeIp, own)) refuse(`its address ${nodeIp} is none of another machine`);
    else {
      const overlay = own.backend === "vxlan" || !isOnLink(nodeIp, own);
      const other = otherOwner(taken, range);
      if (other !== undefined) refuse(other);
      else if (overlay && own.backend === "host-gw")
        refuse(`its address ${nodeIp} is on none of this node's links, and --pod-network-backend is host-gw`);
      else if (overlay && ownRange === undefined) refuse("this node has no range of pods");
      else {
        taken.push({ node: name, range });
        const { hardwareAddress } = endOf(range);
        peers.push({
          node: name,
          range: ipRangeText(range),
          nodeIp,
          ...(overlay && { overlay: endOf(range) }),
        });
        if (own.v6 === undefined) continue;
        const second = peerOf6(node, { own, v6: own.v6, taken, nodeIp, hardwareAddress });
        if (typeof second === "string") refuse(second);
        else if (second !== undefined) peers.push(second);
      }
    }
  }
  const needsOverlay = peers.some(({ overlay }) => overlay !== undefined);
  peers.sort((a, b) => (a.range < b.range ? -1 : 1));
  if (!needsOverlay || ownRange === undefined) return { peers, faults };
  const v6 = ownRange6 === undefined ? {} : { v6Address: firstOf(ownRange6) };
  return { peers, overlay: { ...endOf(ownRange), ...v6 }, faults };
}

/** Its pods' IPv6 range: by its IPv6 address where that is on a link of this node's, and else by the overlay, which goes between
 *  IPv4 addresses. A text is why it is not reached. */
function peerOf6(
  node: Node,
  {
    own,
    v6,
    taken,
    nodeIp,
    hardwareAddress,
  }: {
    readonly own: OwnPlace;
    readonly v6: OwnFamily & { readonly nodeIp?: string };
    readonly taken: Taken[];
    readonly nodeIp: string;
    readonly hardwareAddress: string;
  },
): Peer | string | undefined {
  const range = podRangeOf(node, 6, v6);
  if (range === undefined || typeof range === "string") return range;
  const other = otherOwner(taken, range);
  if (other !== undefined) return other;
  const { name } = node.metadata;
  const nodeIp6 = nodeIpOf(node, 6);
  const isNear = nodeIp6 !== undefined && isOnLink(nodeIp6, own) && !isOdd(nodeIp6, v6);
  if (!isNear && own.backend === "host-gw")
    return `none of its IPv6 addresses is on a link of this node's, and --pod-network-backend is host-gw`;
  taken.push({ node: name, range });
  if (isNear && own.backend !== "vxlan") return { node: name, range: ipRangeText(range), nodeIp: nodeIp6 };
  const overlay = { address: firstOf(range), hardwareAddress };
  return { node: name, range: ipRangeText(range), nodeIp, overlay };
}

function otherOwner(taken: readonly Taken[], range: IpRange): string | undefined {
  const other = taken.find((one) => rangesOverlap(one.range, range));
  return other === undefined ? undefined : `its range ${ipRangeText(range)} is ${other.node}'s, too`;
}

/** A node's end of the overlay is named after its IPv4 range: its first address, which no pod has. So nobody need tell. */
function endOf(range: IpRange): OverlayName {
  const address = firstOf(range);
  return { address, hardwareAddress: hardwareAddressFor(address) };
}

const firstOf = ({ family, first }: IpRange) => addressText(family, first);

/** The one that was first keeps a range. */
function byAge(a: Node, b: Node): number {
  const ageOf = ({ metadata }: Node) => `${metadata.creationTimestamp ?? "9"} ${metadata.name}`;
  return ageOf(a) < ageOf(b) ? -1 : 1;
}

function nodeIpOf(node: Node, family: 4 | 6): string | undefined {
  for (const { type, address } of node.status?.addresses ?? [])
    if (type === "InternalIP" && parseAddress(address)?.family === family) return canonicalAddress(address);
  return undefined;
}

/** A text is why it is none. */
function podRangeOf(node: Node, family: 4 | 6, own: OwnFamily): IpRange | string | undefined {
  const texts = node.spec?.podCIDRs ?? [node.spec?.podCIDR ?? ""];
  const text = texts.find((one) => one !== "" && one.includes(":") === (family === 6));
  if (text === undefined) return undefined;
  const shown = `its range ${JSON.stringify(text).slice(0, 40)}`;
  const none = `${shown} is none of pods`;
  let range: IpRange;
  try {
    range = parseRange(text);
  } catch {
    return none;
  }
  const all = parseIpRange(own.clusterCidr ?? "");
  if (
    all !== undefined &&
    !(rangeContains(all, family, range.first) && ipRangeSize(range) <= ipRangeSize(all))
  )
    return `${shown} is not of the cluster's ${ipRangeText(all)}`;
  return specialAddress(firstOf(range)) === undefined ? range : none;
}

/** Where no other machine can be. */
function isOdd(nodeIp: string, own: OwnFamily & { readonly nodeIp?: string }): boolean {
  const isPods = [own.podCidr, own.clusterCidr ?? ""].some((range) => isInRange(range, nodeIp));
  return nodeIp === own.nodeIp || specialAddress(nodeIp) !== undefined || isPods;
}

function isOnLink(nodeIp: string, own: OwnPlace): boolean {
  return own.onLink.some((range) => isInRange(range, nodeIp));
}
