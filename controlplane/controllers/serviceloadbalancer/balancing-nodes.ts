import { isIPv4, isIPv6 } from "node:net";
import { frontOf } from "../../../client/rules/ingress-class.ts";
import { isLeftOut } from "../../../client/rules/load-balancer.ts";
import type { EndpointSlice, Node, Service } from "../../../client/types.ts";
import { isNodeReady } from "../node-state.ts";

/** Which nodes' addresses a Service gets. Pure. */

/** Of larger clusters so many nodes stand for all: clients try one address after the other, and each node leads everywhere. */
const nodesMost = 16;

/** What of a node decides whether Services are reached by it; equal texts, equal answers. */
export const balancingFacts = (node: Node): string =>
  JSON.stringify([mayBalance(node), node.status?.addresses, kubeletPort(node), ingressPorts(node)]);

/** Where the node answers for Ingresses at an address that load balancers get. */
export function ingressPorts(node: Node): readonly number[] {
  const front = frontOf(node);
  const isShared = node.status?.addresses?.some(({ address }) => front?.addresses.includes(address));
  return front !== undefined && isShared ? front.ports : [];
}

/** Where the node's agent listens. */
export const kubeletPort = ({ status }: Node): number | undefined =>
  status?.daemonEndpoints?.kubeletEndpoint?.Port;

const mayBalance = (node: Node): boolean => isNodeReady(node) && !isLeftOut(node);

/** Those that take the Service's traffic, by name. Where it keeps to the node it comes to, they have an endpoint that is ready. */
export function balancingNodes(
  service: Service,
  nodes: readonly Node[],
  slices: readonly EndpointSlice[],
): readonly Node[] {
  const isLocal = service.spec.externalTrafficPolicy === "Local";
  const withEndpoint = isLocal ? nodesWithEndpoint(slices) : undefined;
  return nodes
    .filter((node) => mayBalance(node) && withEndpoint?.has(node.metadata.name) !== false)
    .filter((node) => nodeAddresses(node, service).length > 0)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .slice(0, nodesMost);
}

function nodesWithEndpoint(slices: readonly EndpointSlice[]): ReadonlySet<string> {
  const ready = slices.flatMap(({ endpoints }) =>
    (endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false),
  );
  return new Set(ready.flatMap(({ nodeName }) => (nodeName === undefined ? [] : [nodeName])));
}

/** A node's addresses of the Service's families, one each: those for the outside, or else those among nodes; of a Service that
 *  asks for an address that one alone. */
export function nodeAddresses({ status }: Node, { spec }: Service): readonly string[] {
  const of = (type: string) => (status?.addresses ?? []).filter((one) => one.type === type);
  const outside = of("ExternalIP");
  const found = outside.length > 0 ? outside : of("InternalIP");
  return (spec.ipFamilies ?? ["IPv4"]).flatMap((family) => {
    const isOfFamily = family === "IPv6" ? isIPv6 : isIPv4;
    const isAsked = (address: string) => !spec.loadBalancerIP || address === spec.loadBalancerIP;
    const first = found.find(({ address }) => isOfFamily(address) && isAsked(address));
    return first === undefined ? [] : [first.address];
  });
}
