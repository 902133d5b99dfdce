import { ipFamilies } from "../ip-family.ts";
import type { Chain, Ruleset } from "../nft-ruleset.ts";
import { type NftText, nft, nftList } from "../nft-text.ts";
import { externalEndpoints, internalEndpoints, isExternal, type ServicePort } from "../service-plan.ts";
import type { ServiceRulesOptions } from "../service-rules.ts";
import { allowedSources, chainName, noteHairpins, spanSet } from "../service-rules.ts";

/** What IPVS leaves to nftables: who is to be seen under the node's address, which sources a load balancer allows, and that what no
 *  virtual server serves is refused, for the node has Services' addresses itself. Pure. */
export function ipvsRules(ports: readonly ServicePort[], options: ServiceRulesOptions): Ruleset {
  const { ip, addressType } = options.family ?? ipFamilies[4];
  const gathered = gather(ports, options);
  const type = nft`${addressType} . inet_proto . inet_service`;
  const verdicts = nft`type ${type} : verdict`;
  const nodePortVerdicts = nft`type inet_proto . inet_service : verdict`;
  const set = (of: NftText, elements: ReadonlyMap<string, NftText>) => ({
    definition: nft`type ${of};`,
    elements: [...elements.values()],
  });
  return {
    sets: {
      "cluster-ips": set(addressType, gathered.clusterIps),
      "service-addresses": set(addressType, gathered.addresses),
      served: set(type, gathered.served),
      hairpins: set(nft`${addressType} . ${addressType}`, gathered.hairpins),
    },
    maps: {
      "service-ips": { definition: verdicts, elements: gathered.serviceIps },
      "node-ports": { definition: nodePortVerdicts, elements: gathered.nodePorts },
      "no-endpoints": { definition: verdicts, elements: gathered.noEndpoints },
      "no-endpoint-node-ports": { definition: nodePortVerdicts, elements: gathered.noEndpointNodePorts },
      firewalls: { definition: verdicts, elements: gathered.firewalls },
    },
    chains: { ...baseChains(options), ...firewallChains(ports, options, ip) },
  };
}

type Elements = readonly { readonly key: NftText; readonly value: NftText }[];

interface Gathered {
  readonly clusterIps: ReadonlyMap<string, NftText>;
  readonly addresses: ReadonlyMap<string, NftText>;
  readonly served: ReadonlyMap<string, NftText>;
  readonly hairpins: ReadonlyMap<string, NftText>;
  readonly serviceIps: Elements;
  readonly nodePorts: Elements;
  readonly noEndpoints: Elements;
  readonly noEndpointNodePorts: Elements;
  readonly firewalls: Elements;
}

const masqueradeMark = nft`0x4000`;
const markForMasquerade = nft`meta mark set meta mark | ${masqueradeMark}`;
const refuse = nft`goto refuse`;
const drop = nft`drop`;

function gather(ports: readonly ServicePort[], options: ServiceRulesOptions): Gathered {
  const [clusterIps, addresses, served, hairpins] = [
    new Map<string, NftText>(),
    new Map<string, NftText>(),
    new Map<string, NftText>(),
    new Map<string, NftText>(),
  ];
  const [serviceIps, nodePorts, noEndpoints, noEndpointNodePorts, firewalls] = [
    [] as { key: NftText; value: NftText }[],
    [] as { key: NftText; value: NftText }[],
    [] as { key: NftText; value: NftText }[],
    [] as { key: NftText; value: NftText }[],
    [] as { key: NftText; value: NftText }[],
  ];
  for (const port of ports) {
    const key = (address: string) => nft`${address} . ${port.protocol} . ${port.port}`;
    const nodeKey = port.nodePort === undefined ? undefined : nft`${port.protocol} . ${port.nodePort}`;
    const external = [...port.externalIps, ...port.balancerIps];
    for (const address of port.clusterIps) clusterIps.set(address, nft`${address}`);
    for (const address of [...port.clusterIps, ...external]) {
      addresses.set(address, nft`${address}`);
      served.set(key(address).text, key(address));
    }
    noteHairpins({ hairpins }, port, options);
    // Nobody anywhere: refused. Nobody here, where only those here may serve: dropped, for others do.
    const missing = port.clusterEndpoints.length > 0 || port.localEndpoints.length > 0 ? drop : refuse;
    if (internalEndpoints(port).length === 0)
      for (const address of port.clusterIps) noEndpoints.push({ key: key(address), value: missing });
    if (!isExternal(port)) continue;
    // What goes to an endpoint elsewhere must come back through this node. Its own programs are always seen under its address.
    const value = port.externalLocal ? nft`goto from-node` : nft`goto from-anywhere`;
    for (const address of external) serviceIps.push({ key: key(address), value });
    if (nodeKey !== undefined) nodePorts.push({ key: nodeKey, value });
    if (externalEndpoints(port).length === 0) {
      for (const address of external) noEndpoints.push({ key: key(address), value: missing });
      if (nodeKey !== undefined) noEndpointNodePorts.push({ key: nodeKey, value: missing });
    }
    if (port.balancerSources.length > 0)
      for (const address of port.balancerIps)
        firewalls.push({ key: key(address), value: nft`goto ${chainName("firewall", port.id)}` });
  }
  return {
    clusterIps,
    addresses,
    served,
    hairpins,
    serviceIps,
    nodePorts,
    noEndpoints,
    noEndpointNodePorts,
    firewalls,
  };
}

function firewallChains(
  ports: readonly ServicePort[],
  options: ServiceRulesOptions,
  ip: NftText,
): Record<string, Chain> {
  return Object.fromEntries(
    ports
      .filter(({ balancerSources, balancerIps }) => balancerSources.length > 0 && balancerIps.length > 0)
      .map((port) => {
        const allowed = allowedSources(port, options).map((range) => nft`${range}`);
        return [
          chainName("firewall", port.id),
          { rules: [nft`${ip} saddr != { ${nftList(allowed)} } drop`] },
        ];
      }),
  );
}

function baseChains(options: ServiceRulesOptions): Record<string, Chain> {
  const { ip, loopback, unreachable } = options.family ?? ipFamilies[4];
  const { clusterCidr, podCidr, serviceCidr, balancerPool: pool = [], nodePortRanges: ranges } = options;
  const inside = clusterCidr ?? podCidr;
  const notInPool = pool.length === 0 ? nft`` : nft` ${ip} daddr != ${spanSet(pool)}`;
  const inRanges =
    ranges === undefined ? nft`` : nft` ${ip} daddr { ${nftList(ranges.map((range) => nft`${range}`))} }`;
  const toNodePort = (map: NftText) =>
    ranges?.length === 0
      ? []
      : [
          nft`fib daddr type local ${ip} daddr != ${loopback}${notInPool}${inRanges} ${ip} daddr != @service-addresses meta l4proto . th dport vmap @${map}`,
        ];
  const toService = (map: NftText) => nft`${ip} daddr . meta l4proto . th dport vmap @${map}`;
  return {
    marks: {
      rules: [
        // The node has the cluster IP, and so sends from it; others from outside the cluster get answers by way of this node.
        inside === ""
          ? nft`${ip} daddr @cluster-ips fib saddr type local ${markForMasquerade}`
          : nft`${ip} daddr @cluster-ips ${ip} saddr != ${inside} ${markForMasquerade}`,
        toService(nft`service-ips`),
        ...toNodePort(nft`node-ports`),
      ],
    },
    "from-anywhere": { rules: [markForMasquerade] },
    "from-node": { rules: [nft`fib saddr type local ${markForMasquerade}`] },
    refuse: { rules: [nft`reject with ${unreachable}`] },
    "check-endpoints": {
      rules: [toService(nft`no-endpoints`), ...toNodePort(nft`no-endpoint-node-ports`)],
    },
    // The node has these addresses, but its own programs are not to be reached there.
    "check-served": {
      rules: [
        nft`${ip} daddr . meta l4proto . th dport @served return`,
        nft`${ip} daddr @service-addresses goto refuse`,
        ...(pool.length === 0
          ? []
          : [nft`meta l4proto { tcp, udp, sctp } ${ip} daddr ${spanSet(pool)} goto refuse`]),
      ],
    },
    "check-cluster-ips": {
      rules: serviceCidr === undefined ? [] : [nft`${ip} daddr ${serviceCidr} fib daddr type != local drop`],
    },
    "check-sources": { rules: [toService(nft`firewalls`)] },
    "sources-prerouting": {
      hook: nft`type filter hook prerouting priority dstnat - 10;`,
      rules: [nft`ct state new jump check-sources`],
    },
    "sources-output": {
      hook: nft`type filter hook output priority -110;`,
      rules: [nft`ct state new jump check-sources`],
    },
    // Before IPVS takes what the node sends.
    prerouting: { hook: nft`type nat hook prerouting priority dstnat;`, rules: [nft`jump marks`] },
    output: { hook: nft`type nat hook output priority -100;`, rules: [nft`jump marks`] },
    // Before IPVS takes what comes in.
    "filter-input": {
      hook: nft`type filter hook input priority 0;`,
      rules: [nft`ct state new jump check-endpoints`, nft`ct state new jump check-served`],
    },
    "filter-forward": {
      hook: nft`type filter hook forward priority 0;`,
      rules: [nft`ct state new jump check-cluster-ips`],
    },
    "filter-output": {
      // Before IPVS, too: afterwards it would be another address.
      hook: nft`type filter hook output priority -105;`,
      rules: [
        nft`ct state new jump check-endpoints`,
        nft`ct state new jump check-served`,
        nft`ct state new jump check-cluster-ips`,
      ],
    },
    postrouting: {
      hook: nft`type nat hook postrouting priority srcnat;`,
      rules: [
        nft`meta mark & ${masqueradeMark} == ${masqueradeMark} masquerade`,
        // A pod that meets itself behind its Service must not see its own address as the sender.
        nft`${ip} saddr . ${ip} daddr @hairpins masquerade`,
        ...(podCidr === ""
          ? []
          : [nft`${ip} saddr ${podCidr} ${ip} daddr != ${inside} fib daddr type != local masquerade`]),
      ],
    },
  };
}
