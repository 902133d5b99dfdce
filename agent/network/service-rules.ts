import { createHash } from "node:crypto";
import type { Chain, Ruleset, VerdictMap } from "./nft-ruleset.ts";
import type { Endpoint, ServicePort } from "./service-plan.ts";

/** Service ports as an nftables table. A packet costs one lookup in a map, however many Services there are; a Service's
 *  chain picks an endpoint at random, an endpoint's chain translates the address. Pure. */
const masqueradeMark = "0x4000";

export function serviceRules(
  ports: readonly ServicePort[],
  options: { readonly podCidr: string; readonly clusterCidr?: string },
): Ruleset {
  const chains: Record<string, Chain> = {};
  const sets: Record<string, string> = {};
  const clusterIps: Record<string, string> = {};
  const nodePorts: Record<string, string> = {};
  const refused: Record<string, string> = {};
  const refusedNodePorts: Record<string, string> = {};
  for (const service of ports) {
    const addresses = [...service.clusterIps, ...service.externalIps].map(
      (ip) => `${ip} . ${service.protocol} . ${service.port}`,
    );
    const nodePort = service.nodePort === undefined ? undefined : `${service.protocol} . ${service.nodePort}`;
    if (service.endpoints.length === 0) {
      for (const key of addresses) refused[key] = "goto refuse";
      if (nodePort !== undefined) refusedNodePorts[nodePort] = "goto refuse";
      continue;
    }
    const name = chainName("service", service.id);
    for (const key of addresses) clusterIps[key] = `goto ${name}`;
    const endpoints = service.endpoints.map((endpoint) => ({
      endpoint,
      name: chainName("endpoint", `${service.id}/${endpoint.address}:${endpoint.port}`),
    }));
    for (const { endpoint, name: chain } of endpoints) {
      const set = service.affinitySeconds === undefined ? undefined : `${chain}-clients`;
      if (set !== undefined)
        sets[set] = `type ipv4_addr; flags dynamic,timeout; timeout ${service.affinitySeconds}s;`;
      chains[chain] = endpointChain(service, endpoint, set);
    }
    chains[name] = serviceChain(
      endpoints.map(({ name: chain }) => chain),
      service.affinitySeconds !== undefined,
    );
    if (nodePort !== undefined) {
      // From outside: the answer must come back through this node, so it takes our address.
      const entry = chainName("node-port", service.id);
      chains[entry] = { rules: [`meta mark set meta mark | ${masqueradeMark}`, `goto ${name}`] };
      nodePorts[nodePort] = `goto ${entry}`;
    }
  }
  const key = "ipv4_addr . inet_proto . inet_service";
  const map = (type: string, elements: Record<string, string>): VerdictMap => ({ type, elements });
  return {
    sets,
    maps: {
      "cluster-ips": map(key, clusterIps),
      "node-ports": map("inet_proto . inet_service", nodePorts),
      "refused-ips": map(key, refused),
      "refused-node-ports": map("inet_proto . inet_service", refusedNodePorts),
    },
    chains: { ...baseChains(options), ...chains },
  };
}

function baseChains(options: {
  readonly podCidr: string;
  readonly clusterCidr?: string;
}): Record<string, Chain> {
  const everywhere = options.clusterCidr ?? options.podCidr;
  return {
    services: {
      rules: [
        "ip daddr . meta l4proto . th dport vmap @cluster-ips",
        "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node-ports",
      ],
    },
    refuse: { rules: ["reject with icmp type port-unreachable"] },
    "no-endpoints": {
      rules: [
        "ip daddr . meta l4proto . th dport vmap @refused-ips",
        "fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @refused-node-ports",
      ],
    },
    prerouting: { hook: "type nat hook prerouting priority dstnat;", rules: ["jump services"] },
    output: { hook: "type nat hook output priority -100;", rules: ["jump services"] },
    "filter-input": { hook: "type filter hook input priority 0;", rules: ["ct state new jump no-endpoints"] },
    "filter-forward": {
      hook: "type filter hook forward priority 0;",
      rules: ["ct state new jump no-endpoints"],
    },
    "filter-output": {
      hook: "type filter hook output priority 0;",
      rules: ["ct state new jump no-endpoints"],
    },
    postrouting: {
      hook: "type nat hook postrouting priority srcnat;",
      rules: [
        `meta mark & ${masqueradeMark} == ${masqueradeMark} masquerade`,
        `ip saddr ${options.podCidr} ip daddr != ${everywhere} fib daddr type != local masquerade`,
      ],
    },
  };
}

function serviceChain(endpoints: readonly string[], affinity: boolean): Chain {
  const remembered = affinity ? endpoints.map((chain) => `ip saddr @${chain}-clients goto ${chain}`) : [];
  const [only] = endpoints;
  if (endpoints.length === 1) return { rules: [...remembered, `goto ${only}`] };
  const choices = endpoints.map((chain, i) => `${i} : goto ${chain}`).join(", ");
  return { rules: [...remembered, `numgen random mod ${endpoints.length} vmap { ${choices} }`] };
}

function endpointChain(service: ServicePort, endpoint: Endpoint, affinitySet: string | undefined): Chain {
  return {
    rules: [
      // A pod that meets itself behind its Service must not see its own address as the sender.
      `ip saddr ${endpoint.address} meta mark set meta mark | ${masqueradeMark}`,
      ...(affinitySet === undefined ? [] : [`update @${affinitySet} { ip saddr }`]),
      `meta l4proto ${service.protocol} dnat to ${endpoint.address}:${endpoint.port}`,
    ],
  };
}

function chainName(prefix: string, id: string): string {
  return `${prefix}-${createHash("sha256").update(id).digest("hex").slice(0, 12)}`;
}
