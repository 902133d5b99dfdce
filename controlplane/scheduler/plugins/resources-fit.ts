import type { Amounts } from "../../../client/rules/pod-requests.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import type { Plugin } from "../cycle/plugin.ts";

/** Requests against what the node has left; and of the nodes that remain, those with most left. */
export const resourcesFit: Plugin = {
  name: "NodeResourcesFit",
  weight: 1,
  helpedBy: ["nodeAdded", "nodeChanged", "podRemoved"],
  prepare(pod) {
    const wanted = Object.entries(pod.requests).filter(([, amount]) => amount > 0);
    return {
      filter: (node) => {
        const reasons: string[] = [];
        let lasting = false;
        if (node.pods.size + 1 > (node.allocatable.pods ?? 0)) reasons.push("Too many pods");
        for (const [name, amount] of wanted) {
          const has = node.allocatable[name] ?? 0;
          if (amount <= has - (node.requested[name] ?? 0)) continue;
          reasons.push(`Insufficient ${name}`);
          if (amount > has) lasting = true;
        }
        return reasons.length === 0 ? undefined : { reasons, lasting };
      },
      score: (node) => {
        const cpu = freeShare(node, "cpu", pod.assumedRequests, node.assumedRequested);
        const memory = freeShare(node, "memory", pod.assumedRequests, node.assumedRequested);
        if (cpu === undefined || memory === undefined) return 100 * (cpu ?? memory ?? 0);
        return 50 * (cpu + memory);
      },
    };
  },
};

/** Prefers nodes on which CPU and memory would be used in like measure, so that neither is left stranded. */
export const resourcesBalanced: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  helpedBy: [],
  prepare(pod) {
    if (Object.keys(pod.requests).length === 0) return undefined;
    return {
      score: (node) => {
        const cpu = freeShare(node, "cpu", pod.requests, node.requested);
        const memory = freeShare(node, "memory", pod.requests, node.requested);
        return cpu === undefined || memory === undefined ? 100 : 100 - 50 * Math.abs(cpu - memory);
      },
    };
  },
};

/** The share of a resource that would be left on the node, 0 to 1; undefined where the node has none of it. */
function freeShare(node: NodeInfo, name: string, more: Amounts, used: Amounts): number | undefined {
  const has = node.allocatable[name] ?? 0;
  return has === 0 ? undefined : Math.max(0, (has - (used[name] ?? 0) - (more[name] ?? 0)) / has);
}
