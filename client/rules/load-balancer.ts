import { parseAddress } from "../../base/ip-range.ts";
import type { Node, Service } from "../types.ts";

/** Load balancers without a cloud: what the controller that gives addresses, the nodes that answer at them and the API server
 *  that lets nodes agree on it have in common. Pure. */

/** Classes of Services (`spec.loadBalancerClass`) that are ours, whatever becomes of those without one. */
export const nodesClass = "pintle.dev/nodes";
export const poolClass = "pintle.dev/pool";

/** On our statuses: addresses are given, or why not. It tells them from another load balancer's, which are let be. */
export const balancedCondition = "pintle.dev/NodesBalance";
/** Its reasons where they are given: the nodes' own, or one of the pool's. */
export const nodesReason = "NodesAddresses";
export const poolReason = "PoolAddress";

/** The addresses, one of a family, that a Service has from the pool: a node answers at each where no link would lead to. */
export function poolAddressesOf({ spec, status }: Pick<Service, "spec" | "status">): readonly string[] {
  const ours = status?.conditions?.find(({ type }) => type === balancedCondition);
  if (spec.type !== "LoadBalancer" || ours?.status !== "True" || ours.reason !== poolReason) return [];
  const given = ours.message?.split(", ") ?? [];
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip !== undefined && given.includes(ip) ? [ip] : [],
  );
}

const excludedLabel = "node.kubernetes.io/exclude-from-external-load-balancers";
/** A cluster autoscaler is about to take the node away. */
const goingTaint = "ToBeDeletedByClusterAutoscaler";

/** Nothing from outside is to come by way of this node. */
export const isLeftOut = (node: Pick<Node, "metadata" | "spec">): boolean =>
  node.metadata.deletionTimestamp !== undefined ||
  node.metadata.labels?.[excludedLabel] !== undefined ||
  (node.spec?.taints ?? []).some(({ key }) => key === goingTaint);

/** Who holds the Lease of an address answers at it. */
export const announcementNamespace = "kube-system";
const leasePrefix = "pintle-load-balancer-";
export function announcementLease(address: string): string {
  const parsed = parseAddress(address);
  // No name has colons, nor ends with a dash.
  const groups = (value: bigint) =>
    Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16));
  return `${leasePrefix}${parsed?.family === 6 ? groups(parsed.value).join("-") : address}`;
}
export const isAnnouncementLease = (name: string): boolean => name.startsWith(leasePrefix);
