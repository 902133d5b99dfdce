import { tolerated } from "../../../client/rules/tolerations.ts";
import type { Node, Taint, Toleration } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import { lowestBest } from "../cycle/normalize.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

const refusal = { reasons: ["node(s) had untolerated taint(s)"], lasting: true };

const keepsAway = (taint: Taint, tolerations: readonly Toleration[]): boolean =>
  taint.effect !== "PreferNoSchedule" && !tolerated(taint, tolerations);

/** Taints: NoSchedule and NoExecute keep pods away that do not tolerate them, PreferNoSchedule counts against a node. */
export const taintToleration: PluginFactory = () => {
  const takes = ({ pod }: PodInfo, { node }: { readonly node: Node }) =>
    !(node.spec?.taints ?? []).some((taint) => keepsAway(taint, pod.spec.tolerations ?? []));
  return {
    name: "TaintToleration",
    helpedBy: { nodeAdded: takes, nodeChanged: takes },
    prepareFilter: ({ pod }, { taintedNodes }) => {
      if (taintedNodes === 0) return undefined;
      const tolerations = pod.spec.tolerations ?? [];
      return {
        asks: JSON.stringify(tolerations),
        filter: ({ taints }) => (taints.some((taint) => keepsAway(taint, tolerations)) ? refusal : undefined),
      };
    },
    prepareScore: ({ pod }, { taintedNodes }) => {
      // Without any taint all nodes would have the same score.
      if (taintedNodes === 0) return undefined;
      const tolerations = (pod.spec.tolerations ?? []).filter(
        ({ effect }) => !effect || effect === "PreferNoSchedule",
      );
      return {
        asks: JSON.stringify(tolerations),
        score: ({ taints }) =>
          taints.filter((one) => one.effect === "PreferNoSchedule" && !tolerated(one, tolerations)).length,
        normalize: lowestBest,
      };
    },
  };
};
