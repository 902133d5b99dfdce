import { join } from "node:path";
import { parseIpRange } from "../base/ip-range.ts";
import { clusterDnsAddress } from "../client/rules/cluster-dns-address.ts";
import type { AgentConfig } from "./flags.ts";
import type { FamilyNetwork, NodeNetworkConfig } from "./network-seam.ts";

/** What the node's network is made of: what flags say of it, and for pods' ranges what the node was given. Throws where that
 *  cannot be had. Pure.
 *  @param podCidrs Of the Node object; none where plugins have addresses of their own. */
export function networkConfig(
  config: AgentConfig,
  {
    podCidrs,
    mode,
    cni,
  }: {
    readonly podCidrs: readonly string[];
    readonly mode: NodeNetworkConfig["mode"];
    readonly cni: NodeNetworkConfig["cni"];
  },
): NodeNetworkConfig {
  const answersDns = config.clusterDns.length === 0;
  const v4 = familyNetwork(config, podCidrs.find((one) => !one.includes(":")) ?? "", answersDns);
  if (v4.podCidr === "" && cni === undefined)
    throw new Error("the node has no range of IPv4 addresses for pods, and IPv6 alone is not served");
  const range6 = podCidrs.find((one) => one.includes(":"));
  const v6 =
    config.v6 === undefined && range6 === undefined
      ? undefined
      : familyNetwork(config.v6 ?? noFlags, range6 ?? "", answersDns);
  if (v6 !== undefined && mode === "loopback")
    throw new Error(
      "the node is given IPv6 ranges, and pods that are plain processes have addresses of IPv4 alone",
    );
  const { proxyMode, ipvsScheduler } = config;
  return {
    ...v4,
    nodeName: config.nodeName,
    nodeIp: config.nodeIp,
    ...(v6 !== undefined && { v6 }),
    ...(config.nodePortRanges.length > 0 && { nodePortRanges: config.nodePortRanges }),
    ...(config.balancerPool.length > 0 && { balancerPool: config.balancerPool }),
    ...(proxyMode !== undefined && { proxyMode }),
    ...(ipvsScheduler !== undefined && { ipvsScheduler }),
    stateDir: join(config.rootDir, "network"),
    mode,
    backend: config.podNetworkBackend,
    ...(cni !== undefined && { cni }),
  };
}

type Said = Pick<AgentConfig, "podCidr" | "clusterCidr" | "serviceCidr"> & {
  readonly nodeIp: string | undefined;
};

const noFlags: Said = {
  nodeIp: undefined,
  podCidr: undefined,
  clusterCidr: undefined,
  serviceCidr: undefined,
};

function familyNetwork(
  { nodeIp, podCidr, clusterCidr, serviceCidr }: Said,
  given: string,
  answersDns: boolean,
): FamilyNetwork {
  const services = parseIpRange(serviceCidr ?? "");
  const dnsAddress = answersDns && services !== undefined ? clusterDnsAddress(services) : undefined;
  return {
    podCidr: podCidr ?? given,
    ...(nodeIp !== undefined && { nodeIp }),
    ...(clusterCidr !== undefined && { clusterCidr }),
    ...(serviceCidr !== undefined && { serviceCidr }),
    ...(dnsAddress !== undefined && { dnsAddress }),
  };
}

/** Where the node answers the cluster's DNS, and to whom. Pure. */
export function dnsPlaces(config: NodeNetworkConfig): {
  readonly addresses: readonly string[];
  readonly ownRanges: readonly string[];
  readonly clients: readonly string[];
} {
  const sides: readonly FamilyNetwork[] = [config, config.v6 ?? []].flat();
  return {
    addresses: sides.flatMap(({ dnsAddress }) => dnsAddress ?? []),
    ownRanges: sides.flatMap(({ clusterCidr, podCidr, serviceCidr = "" }) => [
      clusterCidr ?? podCidr,
      serviceCidr,
    ]),
    clients: config.mode === "loopback" ? ["127.0.0.0/8"] : sides.map(({ podCidr }) => podCidr),
  };
}
