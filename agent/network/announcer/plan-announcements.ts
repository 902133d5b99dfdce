import { createHash } from "node:crypto";
import { canonicalAddress, parseAddress } from "../../../base/ip-range.ts";
import { type IpSpan, isInSpans } from "../../../base/ip-spans.ts";
import { isLeftOut, poolAddressesOf } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { hasOtherProxy } from "../service-plan.ts";

/** An address that this node may answer at. */
export interface Announcement {
  readonly address: string;
  /** How many nodes go first where the address is anybody's. */
  readonly rank: number;
}

export interface AnnouncementInput {
  readonly nodeName: string;
  readonly services: readonly Service[];
  readonly slicesOf: (service: Service) => readonly EndpointSlice[];
  readonly nodes: readonly Node[];
  readonly pool: readonly IpSpan[];
}

/** Pure. An address that two Services have is there once. */
export function planAnnouncements(input: AnnouncementInput): readonly Announcement[] {
  const { nodeName, services, nodes, pool } = input;
  const takesPart = nodes.filter((node) => !isLeftOut(node)).map(({ metadata }) => metadata.name);
  if (!takesPart.includes(nodeName)) return [];
  const found = new Map<string, Announcement>();
  for (const service of services) {
    const addresses = poolAddressesOf(service).filter(
      // Written as the kernel is told it, too.
      (address) => isInSpans(pool, parseAddress(address)) && canonicalAddress(address) === address,
    );
    if (addresses.length === 0 || hasOtherProxy(service)) continue;
    for (const address of addresses) {
      const slices = input.slicesOf(service).filter(({ addressType }) => addressType === familyOf(address));
      const candidates = keepsToNodes(service) ? withEndpoint(takesPart, slices) : takesPart;
      const rank = ranked(candidates, address).indexOf(nodeName);
      if (rank >= 0) found.set(address, { address, rank });
    }
  }
  return [...found.values()];
}

const familyOf = (address: string) => (address.includes(":") ? "IPv6" : "IPv4");
export const keepsToNodes = ({ spec }: Service): boolean => spec.externalTrafficPolicy === "Local";

function withEndpoint(nodes: readonly string[], slices: readonly EndpointSlice[]): readonly string[] {
  const having = new Set(
    slices.flatMap(({ endpoints }) =>
      (endpoints ?? []).flatMap(({ conditions, nodeName }) =>
        conditions?.ready === false ? [] : [nodeName],
      ),
    ),
  );
  return nodes.filter((node) => having.has(node));
}

/** By a hash of both: each node is first for its share of the addresses, and that share moves little as nodes come and go. */
function ranked(nodes: readonly string[], address: string): readonly string[] {
  const hashOf = (node: string) => createHash("sha256").update(`${address} ${node}`).digest("hex");
  return nodes
    .map((node) => ({ node, hash: hashOf(node) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
    .map(({ node }) => node);
}
