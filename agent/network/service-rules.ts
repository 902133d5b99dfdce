import { createHash } from "node:crypto";
import { parseAddress, parseIpRange, rangeContains } from "../../base/ip-range.ts";
import type { Ipv4Span } from "../../base/ipv4-spans.ts";
import { type IpFamily, ipFamilies, placeText } from "./ip-family.ts";
import type { Chain, ElementMap, ElementSet, Ruleset } from "./nft-ruleset.ts";
import { type NftText, nft, nftList } from "./nft-text.ts";
import { isInRange } from "./parsed-input.ts";
import type { Endpoint } from "./service-endpoints.ts";
import { externalEndpoints, internalEndpoints, isExternal, type ServicePort } from "./service-plan.ts";

/** Service ports as an nftables table. A packet costs one lookup in a map, however many Services there are; a Service's
 *  chain picks an endpoint at random and translates the address. Where clients are kept with their endpoint, each endpoint has a
 *  chain and remembers its clients. Pure. */
export interface ServiceRulesOptions {
  /** IPv4 where it is not said. */
  readonly family?: IpFamily;
  /** The node's own pods'; empty where plugins connect them, and masquerade what leaves. */
  readonly podCidr: string;
  readonly clusterCidr?: string;
  /** Cluster IPs come from here: traffic to one that no Service has goes nowhere. */
  readonly serviceCidr?: string;
  /** Load balancers' addresses that the node may have beside its own. */
  readonly balancerPool?: readonly Ipv4Span[];
  readonly nodeIp?: string;
  /** Ranges of the node's addresses at which node ports are served; absent: all. */
  readonly nodePortRanges?: readonly string[];
}

const masqueradeMark = nft`0x4000`;
const markForMasquerade = nft`meta mark set meta mark | ${masqueradeMark}`;
const refuse = nft`goto refuse`;
const drop = nft`drop`;
const goto = (chain: string) => nft`goto ${chain}`;

/** What is gathered while the ports are gone through. */
interface Draft {
  readonly chains: Record<string, Chain>;
  readonly sets: Record<string, ElementSet>;
  readonly serviceIps: Elements;
  readonly nodePorts: Elements;
  readonly noEndpoints: Elements;
  readonly noEndpointNodePorts: Elements;
  readonly firewalls: Elements;
  readonly clusterIps: Map<string, NftText>;
  /** Endpoints that may meet themselves, as sender and receiver. */
  readonly hairpins: Map<string, NftText>;
}
type Elements = { readonly key: NftText; readonly verdict: NftText }[];

export function serviceRules(ports: readonly ServicePort[], options: ServiceRulesOptions): Ruleset {
  const draft: Draft = {
    chains: {},
    sets: {},
    serviceIps: [],
    nodePorts: [],
    noEndpoints: [],
    noEndpointNodePorts: [],
    firewalls: [],
    clusterIps: new Map(),
    hairpins: new Map(),
  };
  for (const port of ports) addPort(draft, port, options);
  const { addressType } = familyOf(options);
  const type = nft`${addressType} . inet_proto . inet_service`;
  const map = (elements: Elements, of = type): ElementMap => ({ type: of, elements });
  const nodePortType = nft`inet_proto . inet_service`;
  return {
    sets: {
      ...draft.sets,
      "cluster-ips": { definition: nft`type ${addressType};`, elements: [...draft.clusterIps.values()] },
      hairpins: {
        definition: nft`type ${addressType} . ${addressType};`,
        elements: [...draft.hairpins.values()],
      },
    },
    maps: {
      "service-ips": map(draft.serviceIps),
      "node-ports": map(draft.nodePorts, nodePortType),
      "no-endpoints": map(draft.noEndpoints),
      "no-endpoint-node-ports": map(draft.noEndpointNodePorts, nodePortType),
      firewalls: map(draft.firewalls),
    },
    chains: { ...baseChains(options), ...draft.chains },
  };
}

const familyOf = ({ family = ipFamilies[4] }: ServiceRulesOptions): IpFamily => family;

function addPort(draft: Draft, port: ServicePort, options: ServiceRulesOptions): void {
  const key = (ip: string) => nft`${ip} . ${port.protocol} . ${port.port}`;
  const external = [...port.externalIps, ...port.balancerIps];
  for (const ip of port.clusterIps) draft.clusterIps.set(ip, nft`${ip}`);
  const reachable = port.clusterEndpoints.length > 0 || port.localEndpoints.length > 0;
  // Nobody anywhere: refused. Nobody here, where only those here may serve: dropped, for others do.
  const missing = reachable ? drop : refuse;
  const internal = internalEndpoints(port);
  noteHairpins(draft, port, options);
  const internalChain = addChoice(draft, port, { endpoints: internal, options });
  for (const ip of port.clusterIps)
    if (internalChain !== undefined) draft.serviceIps.push({ key: key(ip), verdict: goto(internalChain) });
    else draft.noEndpoints.push({ key: key(ip), verdict: missing });
  if (!isExternal(port)) return;
  if (reachable) {
    const chain = addExternalChain(draft, port, options);
    for (const ip of external) draft.serviceIps.push({ key: key(ip), verdict: goto(chain) });
    if (port.nodePort !== undefined)
      draft.nodePorts.push({ key: nft`${port.protocol} . ${port.nodePort}`, verdict: goto(chain) });
  }
  if (externalEndpoints(port).length === 0) {
    for (const ip of external) draft.noEndpoints.push({ key: key(ip), verdict: missing });
    if (port.nodePort !== undefined)
      draft.noEndpointNodePorts.push({ key: nft`${port.protocol} . ${port.nodePort}`, verdict: missing });
  }
  if (port.balancerSources.length > 0 && port.balancerIps.length > 0) {
    const chain = chainName("firewall", port.id);
    const allowed = allowedSources(port, options).map((range) => nft`${range}`);
    draft.chains[chain] = { rules: [nft`${familyOf(options).ip} saddr != { ${nftList(allowed)} } drop`] };
    for (const ip of port.balancerIps) draft.firewalls.push({ key: key(ip), verdict: goto(chain) });
  }
}

/** A node that has the balancer's address as its own talks to it from that very address. */
function allowedSources(port: ServicePort, { nodeIp }: ServiceRulesOptions): readonly string[] {
  const isIn = (address: string) => port.balancerSources.some((range) => isInRange(range, address));
  const isAllowed = nodeIp !== undefined && isIn(nodeIp);
  const outside = port.balancerIps.filter((ip) => !isIn(ip));
  return isAllowed ? [...port.balancerSources, ...outside] : port.balancerSources;
}

/** The way in for everything but cluster IPs. */
function addExternalChain(draft: Draft, port: ServicePort, options: ServiceRulesOptions): string {
  const name = chainName("external", port.id);
  const target = addChoice(draft, port, { endpoints: externalEndpoints(port), options });
  const rules: NftText[] = [];
  if (!port.externalLocal) {
    // The endpoint may be elsewhere: the answer must come back through this node, so it takes our address.
    rules.push(markForMasquerade);
  } else {
    // From inside the cluster every endpoint will do, as if it had gone out to a load balancer and come back.
    const everywhere = addChoice(draft, port, { endpoints: port.clusterEndpoints, options });
    const inside = options.clusterCidr ?? options.podCidr;
    if (everywhere !== undefined)
      rules.push(
        ...(inside === "" ? [] : [nft`${familyOf(options).ip} saddr ${inside} goto ${everywhere}`]),
        nft`fib saddr type local ${markForMasquerade}`,
        nft`fib saddr type local goto ${everywhere}`,
      );
  }
  if (target !== undefined) rules.push(goto(target));
  draft.chains[name] = { rules };
  return name;
}

/** The chain that picks one of these endpoints; `undefined` where there is none. The same endpoints share one. */
function addChoice(
  draft: Draft,
  port: ServicePort,
  { endpoints, options }: { readonly endpoints: readonly Endpoint[]; readonly options: ServiceRulesOptions },
): string | undefined {
  if (endpoints.length === 0) return undefined;
  const name = chainName(endpoints === port.localEndpoints ? "local" : "service", port.id);
  if (name in draft.chains) return name;
  const { affinitySeconds } = port;
  draft.chains[name] = {
    rules:
      affinitySeconds === undefined
        ? [translation(familyOf(options), port, endpoints)]
        : keptClients(
            familyOf(options),
            endpoints.map((endpoint) =>
              addEndpoint(draft, { ...port, affinitySeconds }, { endpoint, options }),
            ),
          ),
  };
  return name;
}

/** To one of these at random. */
function translation(family: IpFamily, { protocol }: ServicePort, endpoints: readonly Endpoint[]): NftText {
  const [only] = endpoints;
  if (only !== undefined && endpoints.length === 1)
    return nft`meta l4proto ${protocol} dnat to ${placeText(family, only.address, only.port)}`;
  const choices = nftList(endpoints.map(({ address, port }, i) => nft`${i} : ${address} . ${port}`));
  return nft`meta l4proto ${protocol} dnat ${family.ip} to numgen random mod ${endpoints.length} map { ${choices} }`;
}

/** Pods that meet themselves behind a Service, which only those of this node can. */
function noteHairpins(draft: Draft, port: ServicePort, { podCidr }: ServiceRulesOptions): void {
  const range = parseIpRange(podCidr);
  const isOfNode = (address: string) => {
    const parsed = parseAddress(address);
    return range !== undefined && parsed !== undefined && rangeContains(range, parsed.family, parsed.value);
  };
  for (const { address, isLocal } of [...port.clusterEndpoints, ...port.localEndpoints])
    if (isLocal || isOfNode(address)) draft.hairpins.set(address, nft`${address} . ${address}`);
}

interface EndpointChain {
  readonly chain: string;
  /** Set of those that went there last. */
  readonly clients: string;
}

/** To the endpoint that a client went to last, or one at random. */
function keptClients({ ip }: IpFamily, chains: readonly EndpointChain[]): readonly NftText[] {
  const rules = chains.map(({ chain, clients }) => nft`${ip} saddr @${clients} goto ${chain}`);
  const [only] = chains;
  if (only !== undefined && chains.length === 1) return [...rules, goto(only.chain)];
  const choices = nftList(chains.map(({ chain }, i) => nft`${i} : goto ${chain}`));
  return [...rules, nft`numgen random mod ${chains.length} vmap { ${choices} }`];
}

function addEndpoint(
  draft: Draft,
  port: ServicePort & { readonly affinitySeconds: number },
  {
    endpoint: { address, port: number },
    options,
  }: { readonly endpoint: Endpoint; readonly options: ServiceRulesOptions },
): EndpointChain {
  const family = familyOf(options);
  const chain = chainName("endpoint", `${port.id}/${address}:${number}`);
  // A set keeps its time to live for good: another time is another set.
  const clients = `${chain}-${port.affinitySeconds}s`;
  if (chain in draft.chains) return { chain, clients };
  draft.sets[clients] = {
    definition: nft`type ${family.addressType}; flags dynamic,timeout; timeout ${port.affinitySeconds}s;`,
  };
  draft.chains[chain] = {
    rules: [
      nft`update @${clients} { ${family.ip} saddr }`,
      nft`meta l4proto ${port.protocol} dnat to ${placeText(family, address, number)}`,
    ],
  };
  return { chain, clients };
}

function baseChains(options: ServiceRulesOptions): Record<string, Chain> {
  const { ip, loopback, unreachable } = familyOf(options);
  const everywhere = options.clusterCidr ?? options.podCidr;
  const pool = options.balancerPool ?? [];
  const notInPool = pool.length === 0 ? nft`` : nft` ${ip} daddr != ${spanSet(pool)}`;
  const ranges = options.nodePortRanges;
  const inRanges =
    ranges === undefined ? nft`` : nft` ${ip} daddr { ${nftList(ranges.map((range) => nft`${range}`))} }`;
  const servesNodePorts = ranges === undefined || ranges.length > 0;
  const onNode = nft`fib daddr type local ${ip} daddr != ${loopback}${notInPool}${inRanges}`;
  return {
    services: {
      rules: [
        // Who comes from outside the cluster with a cluster IP gets its answers by way of this node.
        ...(options.clusterCidr === undefined
          ? []
          : [
              nft`${ip} daddr @cluster-ips ${ip} saddr != ${options.clusterCidr} fib saddr type != local ${markForMasquerade}`,
            ]),
        nft`${ip} daddr . meta l4proto . th dport vmap @service-ips`,
        ...(servesNodePorts ? [nft`${onNode} meta l4proto . th dport vmap @node-ports`] : []),
      ],
    },
    refuse: { rules: [nft`reject with ${unreachable}`] },
    "check-endpoints": {
      rules: [
        nft`${ip} daddr . meta l4proto . th dport vmap @no-endpoints`,
        ...(servesNodePorts ? [nft`${onNode} meta l4proto . th dport vmap @no-endpoint-node-ports`] : []),
      ],
    },
    // What still goes to a cluster IP after translation asks for a port that its Service does not have.
    "check-cluster-ips": {
      rules: [
        nft`${ip} daddr @cluster-ips goto refuse`,
        ...(options.serviceCidr === undefined
          ? []
          : [nft`${ip} daddr ${options.serviceCidr} fib daddr type != local drop`]),
      ],
    },
    "check-sources": { rules: [nft`${ip} daddr . meta l4proto . th dport vmap @firewalls`] },
    "sources-prerouting": {
      hook: nft`type filter hook prerouting priority dstnat - 10;`,
      rules: [nft`ct state new jump check-sources`],
    },
    "sources-output": {
      hook: nft`type filter hook output priority -110;`,
      rules: [nft`ct state new jump check-sources`],
    },
    prerouting: { hook: nft`type nat hook prerouting priority dstnat;`, rules: [nft`jump services`] },
    output: { hook: nft`type nat hook output priority -100;`, rules: [nft`jump services`] },
    "filter-input": {
      hook: nft`type filter hook input priority 0;`,
      rules: [
        nft`ct state new jump check-endpoints`,
        // What was not translated asks for a port that no Service has there: it is not the node's own programs' either.
        ...(pool.length === 0
          ? []
          : [nft`ct state new meta l4proto { tcp, udp, sctp } ${ip} daddr ${spanSet(pool)} goto refuse`]),
      ],
    },
    "filter-forward": {
      hook: nft`type filter hook forward priority 0;`,
      rules: [nft`ct state new jump check-endpoints`, nft`ct state new jump check-cluster-ips`],
    },
    "filter-output": {
      hook: nft`type filter hook output priority 0;`,
      rules: [nft`ct state new jump check-endpoints`, nft`ct state new jump check-cluster-ips`],
    },
    postrouting: {
      hook: nft`type nat hook postrouting priority srcnat;`,
      rules: [
        nft`meta mark & ${masqueradeMark} == ${masqueradeMark} masquerade`,
        // A pod that meets itself behind its Service must not see its own address as the sender.
        nft`ct status dnat ${ip} saddr . ${ip} daddr @hairpins masquerade`,
        ...(options.podCidr === ""
          ? []
          : [
              nft`${ip} saddr ${options.podCidr} ${ip} daddr != ${everywhere} fib daddr type != local masquerade`,
            ]),
      ],
    },
  };
}

/** An anonymous set of these addresses. */
export function spanSet(spans: readonly Ipv4Span[]): NftText {
  return nft`{ ${nftList(spans.map(({ text }) => nft`${text}`))} }`;
}

function chainName(prefix: string, id: string): string {
  return `${prefix}-${createHash("sha256").update(id).digest("hex").slice(0, 16)}`;
}
