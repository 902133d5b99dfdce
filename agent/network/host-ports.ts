import { parseIpv4 } from "../../base/ipv4.ts";
import { type Ipv4Span, isInSpans } from "../../base/ipv4-spans.ts";
import { isIpv6 } from "../../base/ipv6.ts";
import type { HostPort } from "../network-seam.ts";
import type { RulesetApplier } from "./nft-applier.ts";
import type { Ruleset } from "./nft-ruleset.ts";
import { type NftText, nft, nftList } from "./nft-text.ts";
import { ipv4Of, isPort } from "./parsed-input.ts";

/** Ports of pods on the node's own address (`hostPort`), as address translation. */
export interface HostPorts {
  /** Rejects, and remembers nothing, where a port cannot be had. */
  set(sandboxId: string, podIp: string, ports: readonly HostPort[]): Promise<void>;
  remove(sandboxId: string): Promise<void>;
}

/** Addresses that are the node's own, but no pod's to listen on. */
export interface WithheldAddresses {
  readonly dnsAddress?: string;
  readonly balancerPool?: readonly Ipv4Span[];
}

export function openHostPorts(applier: RulesetApplier, withheld: WithheldAddresses = {}): HostPorts {
  const pods = new Map<string, readonly NftText[]>();
  const apply = () => applier.apply(hostPortRules([...pods.values()].flat()));
  return {
    async set(sandboxId, podIp, ports) {
      if (ports.length === 0 && !pods.has(sandboxId)) return;
      const rules = ports.map((port) => hostPortRule(podIp, port, withheld));
      pods.set(sandboxId, rules);
      try {
        await apply();
      } catch (error) {
        pods.delete(sandboxId); // or no pod's host ports would be set any more
        throw error;
      }
    },
    async remove(sandboxId) {
      if (pods.delete(sandboxId)) await apply();
    },
  };
}

/** Throws, naming the field, where the port is none that this node can serve. */
function hostPortRule(
  podIp: string,
  { protocol, hostIp = "", hostPort, containerPort }: HostPort,
  { dnsAddress, balancerPool = [] }: WithheldAddresses,
): NftText {
  const refuse = (field: string, value: unknown, why: string): never => {
    throw new Error(`${field} ${JSON.stringify(value)} ${why}`);
  };
  if (!isPort(hostPort)) return refuse("hostPort", hostPort, "is not a port");
  if (!isPort(containerPort)) return refuse("containerPort", containerPort, "is not a port");
  const known = (["tcp", "udp", "sctp"] as const).find((one) => one === String(protocol).toLowerCase());
  if (known === undefined) return refuse("protocol", protocol, "is not a protocol of host ports");
  const to = nft`${known} dport ${hostPort} dnat to ${podIp}:${containerPort}`;
  if (hostIp === "" || hostIp === "0.0.0.0" || hostIp === "::") {
    const texts = [
      ...(dnsAddress === undefined ? [] : [dnsAddress]),
      ...balancerPool.map(({ text }) => text),
    ];
    const [only] = texts;
    if (only === undefined) return nft`fib daddr type local ${to}`;
    const others = texts.length === 1 ? nft`${only}` : nft`{ ${nftList(texts.map((text) => nft`${text}`))} }`;
    return nft`ip daddr != ${others} fib daddr type local ${to}`;
  }
  if (isIpv6(hostIp)) return refuse("hostIP", hostIp, "is an IPv6 address; this node has IPv4 only");
  const [address] = ipv4Of("hostIP", [hostIp], () => refuse("hostIP", hostIp, "is not an IP address"));
  if (address === dnsAddress) return refuse("hostIP", hostIp, "is the address of the cluster's DNS");
  if (isInSpans(balancerPool, parseIpv4(address ?? "") ?? 0))
    return refuse("hostIP", hostIp, "is an address of load balancers");
  return nft`ip daddr ${address ?? ""} ${to}`;
}

function hostPortRules(rules: readonly NftText[]): Ruleset {
  return {
    chains: {
      "host-ports": { rules },
      prerouting: { hook: nft`type nat hook prerouting priority dstnat + 5;`, rules: [nft`jump host-ports`] },
      output: { hook: nft`type nat hook output priority -95;`, rules: [nft`jump host-ports`] },
    },
    maps: {},
    sets: {},
  };
}
