import { tolerated } from "../../../client/rules/tolerations.ts";
import { lowestBest, type Plugin } from "../cycle/plugin.ts";

/** Taints: NoSchedule and NoExecute keep pods away that do not tolerate them, PreferNoSchedule counts against a node. */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  weight: 3,
  helpedBy: ["nodeAdded", "nodeChanged"],
  prepare({ pod }, snapshot) {
    if (snapshot.nodes.every(({ taints }) => taints.length === 0)) return undefined;
    const tolerations = pod.spec.tolerations ?? [];
    return {
      filter: (node) => {
        const taint = node.taints.find(
          (one) => one.effect !== "PreferNoSchedule" && !tolerated(one, tolerations),
        );
        if (taint === undefined) return undefined;
        const text = `node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`;
        return { reasons: [text], lasting: true };
      },
      score: (node) =>
        node.taints.filter((one) => one.effect === "PreferNoSchedule" && !tolerated(one, tolerations)).length,
      normalize: lowestBest,
    };
  },
};
