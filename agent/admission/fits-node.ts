import { hostPortsClash, hostPortsOf } from "../../client/rules/host-ports.ts";
import { requiredNodes } from "../../client/rules/node-selector.ts";
import { type Amounts, add, heldRequests, podRequests } from "../../client/rules/pod-requests.ts";
import { untolerated } from "../../client/rules/tolerations.ts";
import type { Pod, Taint } from "../../client/types.ts";

/** Why a node does not take a pod: reason and message as the kubelet words them. */
export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

export interface NodeRoom {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** By resource name, cpu in millicores; `pods` among them. */
  readonly allocatable: Amounts;
}

/** The kubelet's GeneralPredicates: resources, node selector, name, host ports, NoExecute taints. `others` are the pods
 *  that the node has taken. Pure. */
export function rejectionOf(pod: Pod, others: readonly Pod[], node: NodeRoom): Rejection | undefined {
  return lacking(pod, others, node) ?? misplaced(pod, others, node);
}

/** What the node lacks for a pod beside the others. Pure. */
export function lacking(pod: Pod, others: readonly Pod[], { allocatable }: NodeRoom): Rejection | undefined {
  const room = allocatable.pods ?? 0;
  if (others.length + 1 > room) return outOf("pods", 1, others.length, room);
  const wanted = podRequests(pod.spec);
  const used = others.map(heldRequests).reduce<Amounts>(add, {});
  for (const [name, amount] of Object.entries(wanted)) {
    // A resource with a domain's name may be one of the cluster's, not of nodes.
    if (amount === 0 || (allocatable[name] === undefined && isExtended(name))) continue;
    const capacity = allocatable[name] ?? 0;
    const taken = used[name] ?? 0;
    if (amount > capacity - taken) return outOf(name, amount, taken, capacity);
  }
  return undefined;
}

const isExtended = (name: string): boolean => name.includes("/") && !name.includes("kubernetes.io/");

function outOf(name: string, requested: number, used: number, capacity: number): Rejection {
  const amounts = `requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${amounts}` };
}

function misplaced(pod: Pod, others: readonly Pod[], node: NodeRoom): Rejection | undefined {
  const { spec } = pod;
  if (requiredNodes(spec)?.(node) === false)
    return predicate("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  if (spec.nodeName !== undefined && spec.nodeName !== node.name)
    return predicate("NodeName", "node(s) didn't match the requested node name");
  const ports = hostPortsOf(spec);
  if (others.some((other) => hostPortsClash(ports, hostPortsOf(other.spec))))
    return predicate("NodePorts", "node(s) didn't have free ports for the requested pod ports");
  if (untolerated(node.taints, spec.tolerations ?? [], ["NoExecute"]) !== undefined)
    return predicate("TaintToleration", "node(s) had taints that the pod didn't tolerate");
  return undefined;
}

function predicate(name: string, description: string): Rejection {
  return { reason: name, message: `Predicate ${name} failed: ${description}` };
}
