import type { Informer } from "../../client/informer.ts";
import type { Pod } from "../../client/types.ts";

const nodeIndex = "node";
const nodeOf = (pod: Pod): readonly string[] => [pod.spec.nodeName ?? ""];

/** Makes `podsOnNode` quick. Call when setting up. */
export function indexPodsByNode(pods: Informer<Pod>): void {
  pods.addIndex(nodeIndex, nodeOf);
}

/** The pods bound to a node; "" gives those bound to none. */
export function podsOnNode(pods: Informer<Pod>, node: string): readonly Pod[] {
  return pods.byIndex(nodeIndex, node);
}
