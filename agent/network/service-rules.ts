import { createHash } from "node:crypto";
import { parseAddress, parseIpRange, rangeContains } from "../../base/ip-range.ts";
import type { IpSpan } from "../../base/ip-spans.ts";
import { type IpFamily, ipFamilies, placeText } from "./ip-family.ts";
import type { Chain, ElementMap, ElementSet, Ruleset } from "./nft-ruleset.ts";
import { type NftText, nft, nftList } from "./nft-text.ts";
import { isInRange } from "./parsed-input.ts";
import {
  asked,
  askedFields,
  askedType,
  type ChoiceKind,
  choiceChain,
  choiceKinds,
  choiceName,
  type EndpointList,
  kindName,
  markForMasquerade,
  markText,
  masqueradedChain,
  numberName,
  numberRules,
  numbersMaps,
  outsideChain,
  type WayIn,
} from "./service-choices.ts";
import type { Endpoint } from "./service-endpoints.ts";
import { externalEndpoints, internalEndpoints, isExternal, type ServicePort } from "./service-plan.ts";

/** Service ports as an nftables table. A packet costs three lookups in maps, however many Services there are; chains that all
 *  share pick an endpoint at random (`service-choices.ts`). Where clients are kept with their endpoint, each Service and each
 *  endpoint has a chain of its own, and the endpoint remembers its clients. Pure. */
export interface ServiceRulesOptions {
  /** IPv4 where it is not said. */
  readonly family?: IpFamily;
  /** The node's own pods'; empty where plugins connect them, and masquerade what leaves. */
  readonly podCidr: string;
  readonly clusterCidr?: string;
  /** Cluster IPs come from here: traffic to one that no Service has goes nowhere. */
  readonly serviceCidr?: string;
  /** Load balancers' addresses that the node may have beside its own. */
  readonly balancerPool?: readonly IpSpan[];
  readonly nodeIp?: string;
  /** Ranges of the node's addresses at which node ports are served; absent: all. */
  readonly nodePortRanges?: readonly string[];
}

const refuse = nft`goto refuse`;
const drop = nft`drop`;
const goto = (chain: string) => nft`goto ${chain}`;

/** What ports ask for of the table, gathered. */
export interface ServiceDraft {
  /** Of one port alone. */
  readonly chains: Record<string, Chain>;
  readonly sets: Record<string, ElementSet>;
  /** Chains that ports share, by name. */
  readonly shared: Map<string, () => Chain>;
  /** How many endpoints a port has at most, by the choice's kind. */
  readonly counts: Record<string, number>;
  /** Elements of maps: of those that are always there, and of the numbers' (`service-choices.ts`). */
  readonly entries: Record<string, Entry[]>;
  readonly clusterIps: Map<string, NftText>;
  /** Endpoints that may meet themselves, as sender and receiver. */
  readonly hairpins: Map<string, NftText>;
}
interface Entry {
  readonly key: NftText;
  readonly value: NftText;
}

export function draftServices(ports: readonly ServicePort[], options: ServiceRulesOptions): ServiceDraft {
  const draft: ServiceDraft = {
    chains: {},
    sets: {},
    shared: new Map(),
    counts: {},
    entries: {},
    clusterIps: new Map(),
    hairpins: new Map(),
  };
  for (const port of ports) addPort(draft, port, options);
  return draft;
}

export function serviceRules(ports: readonly ServicePort[], options: ServiceRulesOptions): Ruleset {
  const draft = draftServices(ports, options);
  const family = familyOf(options);
  const { sets, maps, chains } = baseRules(options);
  const numbers = choiceKinds.flatMap((kind) =>
    Array.from({ length: draft.counts[kindName(kind)] ?? 0 }, (_, at) => numberRules(family, kind, at)),
  );
  for (const { map, key, value } of numbers) entriesOf(draft, map).push({ key, value });
  const heads = { ...Object.fromEntries(numbers.map(({ name, endpoints }) => [name, endpoints])), ...maps };
  const members: Readonly<Record<string, ReadonlyMap<string, NftText>>> = sharedMembers(draft);
  return {
    sets: {
      ...draft.sets,
      ...Object.fromEntries(
        Object.entries(sets).map(([name, head]) => [
          name,
          { ...head, elements: [...(members[name]?.values() ?? [])] },
        ]),
      ),
    },
    maps: Object.fromEntries(
      Object.entries(heads).map(([name, head]) => [name, { ...head, elements: draft.entries[name] ?? [] }]),
    ),
    chains: {
      ...chains,
      ...Object.fromEntries(numbers.map(({ name, chain }) => [name, chain])),
      ...Object.fromEntries([...draft.shared].map(([name, make]) => [name, make()])),
      ...draft.chains,
    },
  };
}

/** Of the sets that are always there. */
export const sharedMembers = ({ clusterIps, hairpins }: ServiceDraft) => ({
  "cluster-ips": clusterIps,
  hairpins,
});

/** What is there whatever Services there are. */
export function baseRules(options: ServiceRulesOptions): Ruleset {
  const family = familyOf(options);
  const { addressType, addressField } = family;
  const verdicts = (way: WayIn): ElementMap => ({
    definition: nft`type ${askedType(family, way)} : verdict`,
    fields: { key: askedFields(family, way), value: "verdict" },
    elements: [],
  });
  return {
    sets: {
      "cluster-ips": { definition: nft`type ${addressType};`, fields: { key: [addressField] } },
      hairpins: {
        definition: nft`type ${addressType} . ${addressType};`,
        fields: { key: [addressField, addressField] },
      },
    },
    maps: {
      ...Object.fromEntries(
        Object.entries(numbersMaps()).map(([name, head]) => [name, { ...head, elements: [] }]),
      ),
      "service-ips": verdicts("address"),
      "node-ports": verdicts("node-port"),
      "no-endpoints": verdicts("address"),
      "no-endpoint-node-ports": verdicts("node-port"),
      firewalls: verdicts("address"),
    },
    chains: baseChains(options),
  };
}

export const familyOf = ({ family = ipFamilies[4] }: ServiceRulesOptions): IpFamily => family;

const entriesOf = ({ entries }: ServiceDraft, map: string): Entry[] => {
  entries[map] ??= [];
  return entries[map];
};

function addPort(draft: ServiceDraft, port: ServicePort, options: ServiceRulesOptions): void {
  const key = (ip: string) => nft`${ip} . ${port.protocol} . ${port.port}`;
  const nodePorts = port.nodePort === undefined ? [] : [nft`${port.protocol} . ${port.nodePort}`];
  const external = [...port.externalIps, ...port.balancerIps].map(key);
  const internal = port.clusterIps.map(key);
  const add = (map: string, keys: readonly NftText[], value: NftText) =>
    entriesOf(draft, map).push(...keys.map((one) => ({ key: one, value })));
  for (const ip of port.clusterIps) draft.clusterIps.set(ip, nft`${ip}`);
  const reachable = port.clusterEndpoints.length > 0 || port.localEndpoints.length > 0;
  // Nobody anywhere: refused. Nobody here, where only those here may serve: dropped, for others do.
  const missing = reachable ? drop : refuse;
  noteHairpins(draft, port, options);
  const { affinitySeconds } = port;
  const ways = affinitySeconds === undefined ? sharedWays(port) : keptWays({ ...port, affinitySeconds });
  if (internalEndpoints(port).length === 0) add("no-endpoints", internal, missing);
  else add("service-ips", internal, goto(ways.addInternal(draft, internal, options)));
  if (!isExternal(port)) return;
  if (reachable && external.length > 0)
    add("service-ips", external, goto(ways.addExternal(draft, { way: "address", keys: external }, options)));
  if (reachable && nodePorts.length > 0)
    add(
      "node-ports",
      nodePorts,
      goto(ways.addExternal(draft, { way: "node-port", keys: nodePorts }, options)),
    );
  if (externalEndpoints(port).length === 0) {
    add("no-endpoints", external, missing);
    add("no-endpoint-node-ports", nodePorts, missing);
  }
  if (port.balancerSources.length > 0 && port.balancerIps.length > 0) {
    const chain = chainName("firewall", port.id);
    const allowed = allowedSources(port, options).map((range) => nft`${range}`);
    draft.chains[chain] = { rules: [nft`${familyOf(options).ip} saddr != { ${nftList(allowed)} } drop`] };
    add("firewalls", port.balancerIps.map(key), goto(chain));
  }
}

/** What leads from what was asked for to an endpoint; each answers the chain to go to. */
interface Ways {
  addInternal(draft: ServiceDraft, keys: readonly NftText[], options: ServiceRulesOptions): string;
  /** For everything but cluster IPs. */
  addExternal(
    draft: ServiceDraft,
    asked: { readonly way: WayIn; readonly keys: readonly NftText[] },
    options: ServiceRulesOptions,
  ): string;
}

/** By chains of all Services. */
function sharedWays(port: ServicePort): Ways {
  const { clusterEndpoints, localEndpoints, externalLocal, internalLocal } = port;
  return {
    addInternal(draft, keys) {
      const list = internalLocal ? "local" : "all";
      return addEndpoints(draft, { way: "address", list }, { keys, endpoints: internalEndpoints(port) });
    },
    addExternal(draft, { way, keys }, options) {
      const choice = (list: EndpointList, endpoints: readonly Endpoint[]) =>
        endpoints.length === 0 ? undefined : addEndpoints(draft, { way, list }, { keys, endpoints });
      const everywhere = choice("all", clusterEndpoints);
      if (!externalLocal && everywhere !== undefined) {
        const name = `masqueraded-${everywhere}`;
        draft.shared.set(name, () => masqueradedChain(everywhere));
        return name;
      }
      const here = externalLocal ? choice("local", localEndpoints) : undefined;
      const local = here === undefined ? 0 : localEndpoints.length;
      const name = `outside-${way}-${clusterEndpoints.length}-${local}`;
      const inside = insideOf(options);
      draft.shared.set(name, () => outsideChain(familyOf(options), { inside, everywhere, here }));
      return name;
    },
  };
}

const insideOf = ({ clusterCidr, podCidr }: ServiceRulesOptions): string => clusterCidr ?? podCidr;

/** Answers the chain that chooses among them. */
function addEndpoints(
  draft: ServiceDraft,
  kind: ChoiceKind,
  { keys, endpoints }: { readonly keys: readonly NftText[]; readonly endpoints: readonly Endpoint[] },
): string {
  const count = endpoints.length;
  for (const [number, { address, port }] of endpoints.entries()) {
    const value = nft`${address} . ${port}`;
    const entries = entriesOf(draft, numberName(kind, number));
    for (const key of keys) entries.push({ key, value });
  }
  const name = kindName(kind);
  draft.counts[name] = Math.max(draft.counts[name] ?? 0, count);
  const chain = choiceName(kind, count);
  draft.shared.set(chain, () => choiceChain(kind, count));
  return chain;
}

/** By chains of the Service's own, which know who went where. */
function keptWays(port: KeptPort): Ways {
  const internal = internalEndpoints(port);
  return {
    addInternal: (draft, _, options) => addChoice(draft, port, { endpoints: internal, options }),
    addExternal: (draft, _, options) => addExternalChain(draft, port, options),
  };
}

type KeptPort = ServicePort & { readonly affinitySeconds: number };

/** A node that has the balancer's address as its own talks to it from that very address. */
export function allowedSources(port: ServicePort, { nodeIp }: ServiceRulesOptions): readonly string[] {
  const isIn = (address: string) => port.balancerSources.some((range) => isInRange(range, address));
  const isAllowed = nodeIp !== undefined && isIn(nodeIp);
  const outside = port.balancerIps.filter((ip) => !isIn(ip));
  return isAllowed ? [...port.balancerSources, ...outside] : port.balancerSources;
}

function addExternalChain(draft: ServiceDraft, port: KeptPort, options: ServiceRulesOptions): string {
  const name = chainName("external", port.id);
  if (name in draft.chains) return name;
  const add = (endpoints: readonly Endpoint[]) =>
    endpoints.length === 0 ? undefined : addChoice(draft, port, { endpoints, options });
  const target = add(externalEndpoints(port));
  const rules: NftText[] = [];
  if (!port.externalLocal) rules.push(markForMasquerade);
  else {
    const everywhere = add(port.clusterEndpoints);
    const inside = insideOf(options);
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

/** The chain that picks one of these endpoints. The same endpoints share one. */
function addChoice(
  draft: ServiceDraft,
  port: KeptPort,
  { endpoints, options }: { readonly endpoints: readonly Endpoint[]; readonly options: ServiceRulesOptions },
): string {
  const name = chainName(endpoints === port.localEndpoints ? "local" : "service", port.id);
  if (name in draft.chains) return name;
  const chains = endpoints.map((endpoint) => addEndpoint(draft, port, { endpoint, options }));
  draft.chains[name] = { rules: keptClients(familyOf(options), chains) };
  return name;
}

/** Pods that meet themselves behind a Service, which only those of this node can. */
export function noteHairpins(
  draft: Pick<ServiceDraft, "hairpins">,
  port: ServicePort,
  { podCidr }: ServiceRulesOptions,
): void {
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
  draft: ServiceDraft,
  port: KeptPort,
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
  const family = familyOf(options);
  const { ip, loopback, unreachable } = family;
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
        nft`${asked(family, "address")} vmap @service-ips`,
        ...(servesNodePorts ? [nft`${onNode} meta l4proto . th dport vmap @node-ports`] : []),
      ],
    },
    refuse: { rules: [nft`reject with ${unreachable}`] },
    "check-endpoints": {
      rules: [
        nft`${asked(family, "address")} vmap @no-endpoints`,
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
    "check-sources": { rules: [nft`${asked(family, "address")} vmap @firewalls`] },
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
        nft`meta mark & ${markText} == ${markText} masquerade`,
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

export const spanText = ({ from, to }: IpSpan): NftText => (from === to ? nft`${from}` : nft`${from}-${to}`);

/** An anonymous set of these addresses. */
export function spanSet(spans: readonly IpSpan[]): NftText {
  return nft`{ ${nftList(spans.map(spanText))} }`;
}

export function chainName(prefix: string, id: string): string {
  return `${prefix}-${createHash("sha256").update(id).digest("hex").slice(0, 16)}`;
}
