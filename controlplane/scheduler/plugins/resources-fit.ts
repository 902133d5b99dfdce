import type { NodeInfo } from "../cycle/node-info.ts";
import type { Plugin } from "../cycle/plugin.ts";
import type { Amounts } from "../cycle/resources.ts";

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
        const shares = freeShares(node, pod.assumedRequests);
        return shares.length === 0
          ? 0
          : (100 * shares.reduce((sum, share) => sum + share, 0)) / shares.length;
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
        const [first, second] = freeShares(node, pod.requests, node.requested);
        return first === undefined || second === undefined ? 100 : 100 - 50 * Math.abs(first - second);
      },
    };
  },
};

/** The share of CPU and of memory that would be left on the node, 0 to 1. */
function freeShares(node: NodeInfo, more: Amounts, used: Amounts = node.assumedRequested): readonly number[] {
  return ["cpu", "memory"].flatMap((name) => {
    const has = node.allocatable[name] ?? 0;
    if (has === 0) return [];
    return [Math.max(0, (has - (used[name] ?? 0) - (more[name] ?? 0)) / has)];
  });
}
