import { createHash } from "node:crypto";
import { ipFamilies, placeText } from "../ip-family.ts";
import { isWord, type NftText, nft } from "../nft-text.ts";
import { isInRange } from "../parsed-input.ts";
import type { Endpoint } from "../service-endpoints.ts";
import { externalEndpoints, internalEndpoints, isExternal, type ServicePort } from "../service-plan.ts";
import { allowedSources, type ServiceRulesOptions } from "../service-rules.ts";
import type { Rule } from "./table-chains.ts";

/** What one port of a Service adds to iptables: its own chains in the table `nat`, named as kube-proxy names them, and its rules
 *  in the chains that all ports share. */
export interface PortChains {
  /** Of the table `filter`: what a cluster IP does not serve, within the Services' range and outside of it. */
  readonly refused: readonly Rule[];
  readonly refusedElsewhere: readonly Rule[];
  /** Of the table `nat`. */
  readonly chains: ReadonlyMap<string, readonly Rule[]>;
  readonly services: readonly Rule[];
  readonly nodePorts: readonly Rule[];
  /** Of the table `filter`: what has no endpoint that it may go to. */
  readonly unserved: readonly Rule[];
  readonly unservedExternal: readonly Rule[];
  readonly unservedNodePorts: readonly Rule[];
  /** Of the table `filter`: what a load balancer's sources do not allow. */
  readonly firewall: readonly Rule[];
}

const masquerade = nft`-j KUBE-MARK-MASQ`;
const fromNode = nft`-m addrtype --src-type LOCAL`;

/** Pure. */
export function portChains(port: ServicePort, options: ServiceRulesOptions): PortChains {
  const { protocol } = port;
  const to = (ip: string) => nft`-d ${ip} -p ${protocol} -m ${protocol} --dport ${port.port}`;
  const toNodePort = (nodePort: number) => nft`-p ${protocol} -m ${protocol} --dport ${nodePort}`;
  const reachable = port.clusterEndpoints.length > 0 || port.localEndpoints.length > 0;
  // Nobody anywhere: refused. Nobody here, where only those here may serve: dropped, for others do.
  const missing = reachable ? nft`-j DROP` : nft`-j REJECT`;
  const chains = new Map<string, readonly Rule[]>();
  const services: Rule[] = [];
  const unserved: Rule[] = [];
  const inside = clusterChain(chains, port, { endpoints: internalEndpoints(port), options });
  for (const ip of port.clusterIps)
    if (inside === undefined) unserved.push(nft`${to(ip)}${comment(port, "has no endpoints")} ${missing}`);
    else services.push(nft`${to(ip)}${comment(port, "cluster IP")} -j ${inside}`);
  const { serviceCidr } = options;
  const isUsual = (ip: string) => serviceCidr !== undefined && isInRange(serviceCidr, ip);
  const refusal = (ip: string) => nft`-d ${ip} -j REJECT`;
  const own = {
    chains,
    services,
    unserved,
    refused: port.clusterIps.filter(isUsual).map(refusal),
    refusedElsewhere: port.clusterIps.filter((ip) => !isUsual(ip)).map(refusal),
  };
  const none = { nodePorts: [], unservedExternal: [], unservedNodePorts: [], firewall: [] };
  if (!isExternal(port)) return { ...own, ...none };

  const nodePorts: Rule[] = [];
  const unservedExternal: Rule[] = [];
  const unservedNodePorts: Rule[] = [];
  const firewall: Rule[] = [];
  if (reachable) {
    const chain = externalChain(chains, port, options);
    for (const ip of port.externalIps)
      services.push(nft`${to(ip)}${comment(port, "external IP")} -j ${chain}`);
    const isFenced = port.balancerSources.length > 0 && port.balancerIps.length > 0;
    const balancerChain = isFenced ? firewallChain(chains, port, { chain, options }) : chain;
    for (const ip of port.balancerIps) {
      services.push(nft`${to(ip)}${comment(port, "load balancer IP")} -j ${balancerChain}`);
      if (isFenced) firewall.push(nft`${to(ip)}${comment(port, "source not allowed")} -j DROP`);
    }
    if (port.nodePort !== undefined)
      nodePorts.push(nft`${toNodePort(port.nodePort)}${comment(port, "")} -j ${chain}`);
  }
  if (externalEndpoints(port).length === 0) {
    for (const ip of [...port.externalIps, ...port.balancerIps])
      unservedExternal.push(nft`${to(ip)}${comment(port, "has no endpoints")} ${missing}`);
    if (port.nodePort !== undefined)
      unservedNodePorts.push(
        nft`${toNodePort(port.nodePort)}${comment(port, "has no endpoints")} ${missing}`,
      );
  }
  return { ...own, nodePorts, unservedExternal, unservedNodePorts, firewall };
}

type Chains = Map<string, readonly Rule[]>;

/** For cluster IPs; `undefined` where there is no endpoint. */
function clusterChain(
  chains: Chains,
  port: ServicePort,
  { endpoints, options }: { readonly endpoints: readonly Endpoint[]; readonly options: ServiceRulesOptions },
): string | undefined {
  const name = choiceChain(chains, port, endpoints);
  if (name === undefined || options.clusterCidr === undefined) return name;
  const { clusterCidr } = options;
  // Who comes from outside the cluster with a cluster IP gets its answers by way of this node.
  const marks = port.clusterIps.map(
    (ip) =>
      nft`! -s ${clusterCidr} -d ${ip} -p ${port.protocol} -m ${port.protocol} --dport ${port.port} -m addrtype ! --src-type LOCAL${comment(port, "cluster IP")} ${masquerade}`,
  );
  chains.set(name, [...marks, ...(chains.get(name) ?? [])]);
  return name;
}

/** The way in for everything but cluster IPs. */
function externalChain(chains: Chains, port: ServicePort, options: ServiceRulesOptions): string {
  const name = chainName("EXT", port);
  const target = choiceChain(chains, port, externalEndpoints(port));
  const rules: Rule[] = [];
  if (!port.externalLocal) {
    // The endpoint may be elsewhere: the answer must come back through this node, so it takes our address.
    rules.push(nft`${comment(port, "masquerade")} ${masquerade}`);
  } else {
    // From inside the cluster every endpoint will do, as if it had gone out to a load balancer and come back.
    const everywhere = choiceChain(chains, port, port.clusterEndpoints);
    const inside = options.clusterCidr ?? options.podCidr;
    if (everywhere !== undefined)
      rules.push(
        ...(inside === "" ? [] : [nft`-s ${inside}${comment(port, "pods are inside")} -j ${everywhere}`]),
        nft`${fromNode}${comment(port, "masquerade what the node sends")} ${masquerade}`,
        nft`${fromNode}${comment(port, "the node is inside")} -j ${everywhere}`,
      );
  }
  if (target !== undefined) rules.push(nft`-j ${target}`);
  chains.set(name, rules);
  return name;
}

/** Lets those in that may; what is left meets KUBE-PROXY-FIREWALL untranslated. */
function firewallChain(
  chains: Chains,
  port: ServicePort,
  { chain, options }: { readonly chain: string; readonly options: ServiceRulesOptions },
): string {
  const name = chainName("FW", port);
  const allowed = allowedSources(port, options);
  chains.set(
    name,
    allowed.map((range) => nft`-s ${range}${comment(port, "source allowed")} -j ${chain}`),
  );
  return name;
}

/** The chain that picks one of these endpoints; `undefined` where there is none. The same endpoints share one. */
function choiceChain(chains: Chains, port: ServicePort, endpoints: readonly Endpoint[]): string | undefined {
  if (endpoints.length === 0) return undefined;
  const name = chainName(endpoints === port.localEndpoints ? "SVL" : "SVC", port);
  if (chains.has(name)) return name;
  const ways = endpoints.map((endpoint) => ({ endpoint, chain: endpointChain(chains, port, endpoint) }));
  const { affinitySeconds } = port;
  const kept =
    affinitySeconds === undefined
      ? []
      : ways.map(
          ({ chain, endpoint }) =>
            nft`${toEndpoint(port, endpoint)} -m recent --name ${chain} --rcheck --seconds ${affinitySeconds} --reap -j ${chain}`,
        );
  const picked = ways.map(({ chain, endpoint }, at) => {
    const left = ways.length - at;
    const chance =
      left === 1 ? nft`` : nft` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    return nft`${toEndpoint(port, endpoint)}${chance} -j ${chain}`;
  });
  chains.set(name, [...kept, ...picked]);
  return name;
}

/** Translates to one endpoint, and remembers the client where clients are kept. */
function endpointChain(chains: Chains, port: ServicePort, { address, port: number }: Endpoint): string {
  const family = ipFamilies[address.includes(":") ? 6 : 4];
  const place = placeText(family, address, number);
  const name = chainName("SEP", port, place.text);
  const { protocol } = port;
  const remembers = port.affinitySeconds === undefined ? nft`` : nft` -m recent --name ${name} --set`;
  chains.set(name, [
    // A pod that meets itself behind its Service must not see its own address as the sender.
    nft`-s ${address}${comment(port, "")} ${masquerade}`,
    nft`-p ${protocol}${comment(port, "")}${remembers} -m ${protocol} -j DNAT --to-destination ${place}`,
  ]);
  return name;
}

/** kube-proxy's: by the port's name, its protocol and, for an endpoint, its place. */
function chainName(
  prefix: "SVC" | "SVL" | "EXT" | "FW" | "SEP",
  { id, protocol }: ServicePort,
  place = "",
): string {
  const digest = createHash("sha256").update(`${id}${protocol}${place}`).digest();
  return `KUBE-${prefix}-${base32(digest.subarray(0, 10))}`;
}

const base32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648, of whole groups of five bytes. */
function base32(bytes: Uint8Array): string {
  let bits = 0n;
  for (const byte of bytes) bits = (bits << 8n) | BigInt(byte);
  const letters: string[] = [];
  for (let at = (bytes.length * 8) / 5 - 1; at >= 0; at--)
    letters.push(base32Letters[Number((bits >> BigInt(at * 5)) & 31n)] ?? "");
  return letters.join("");
}

/** For people who read the rules: whose one is. Nothing where a name is not as names are. */
function comment(port: ServicePort, what: string): NftText {
  const words = whose(port);
  if (words === undefined) return nft``;
  const [namespace, name, portName] = words;
  const said = what.split(" ").filter((one) => one !== "");
  const tail = said.reduce((text, one) => nft`${text} ${one}`, nft``);
  return nft` -m comment --comment "${namespace}/${name}:${portName}${tail}"`;
}

function toEndpoint(port: ServicePort, { address, port: number }: Endpoint): NftText {
  const words = whose(port);
  const place = placeText(ipFamilies[address.includes(":") ? 6 : 4], address, number);
  if (words === undefined) return nft``;
  const [namespace, name, portName] = words;
  return nft`-m comment --comment "${namespace}/${name}:${portName} -> ${place}"`;
}

/** The kernel keeps so many bytes of a comment; a longer one is refused. */
const idLettersMost = 190;

function whose({ id, service: { metadata } }: ServicePort): readonly [string, string, string] | undefined {
  const { namespace = "", name } = metadata;
  const portName = id.slice(id.lastIndexOf(":") + 1);
  return id.length <= idLettersMost && [namespace, name, portName].every(isWord)
    ? [namespace, name, portName]
    : undefined;
}
