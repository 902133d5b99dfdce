import { matchesTerm, requiredNodes } from "../../../client/rules/node-selector.ts";
import type { NodeInfo } from "../cycle/node-info.ts";
import { highestBest, type Plugin } from "../cycle/plugin.ts";

const refusal = { reasons: ["node(s) didn't match Pod's node affinity/selector"], lasting: true };

/** spec.nodeSelector and node affinity, required and preferred. */
export const nodeAffinity: Plugin = {
  name: "NodeAffinity",
  weight: 2,
  helpedBy: ["nodeAdded", "nodeChanged"],
  prepare({ pod }) {
    const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    const required = requiredNodes(pod.spec);
    if (required === undefined && preferred.length === 0) return undefined;
    return {
      ...(required !== undefined && { filter: (node: NodeInfo) => (required(node) ? undefined : refusal) }),
      ...(preferred.length > 0 && {
        score: (node: NodeInfo) =>
          preferred.reduce(
            (sum, { weight, preference }) => sum + (matchesTerm(preference, node) ? weight : 0),
            0,
          ),
        normalize: highestBest,
      }),
    };
  },
};
