import type { IpSpan } from "../../base/ip-spans.ts";
import type { FamilyNetwork, NodeNetworkConfig } from "../network-seam.ts";
import { type IpFamily, ipFamilies } from "./ip-family.ts";

/** All that is said of a node's network in one family. */
export interface FamilySide extends FamilyNetwork {
  readonly family: IpFamily;
  /** Absent: all; empty: none of this family. */
  readonly nodePortRanges?: readonly string[];
  readonly balancerPool?: readonly IpSpan[];
}

/** One of each family that the node has. Pure. */
export function familySides(config: NodeNetworkConfig): readonly FamilySide[] {
  const { podCidr, nodeIp, clusterCidr, serviceCidr, dnsAddress, nodePortRanges, balancerPool, v6 } = config;
  const ofFamily = (version: 4 | 6) => ({
    ...(nodePortRanges !== undefined && {
      nodePortRanges: nodePortRanges.filter((range) => range.includes(":") === (version === 6)),
    }),
    ...(balancerPool !== undefined && {
      balancerPool: balancerPool.filter(({ family }) => family === version),
    }),
  });
  const first: FamilySide = {
    family: ipFamilies[4],
    podCidr,
    nodeIp,
    ...(clusterCidr !== undefined && { clusterCidr }),
    ...(serviceCidr !== undefined && { serviceCidr }),
    ...(dnsAddress !== undefined && { dnsAddress }),
    ...ofFamily(4),
  };
  return v6 === undefined ? [first] : [first, { family: ipFamilies[6], ...v6, ...ofFamily(6) }];
}
