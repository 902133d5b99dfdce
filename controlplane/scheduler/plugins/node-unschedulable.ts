import { tolerated } from "../../../client/rules/tolerations.ts";
import type { Plugin } from "../cycle/plugin.ts";

const refusal = { reasons: ["node(s) were unschedulable"], lasting: true };
const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** spec.unschedulable of nodes (`kubectl cordon`), unless the pod tolerates its taint. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  weight: 0,
  helpedBy: ["nodeAdded", "nodeChanged"],
  prepare({ pod }) {
    if (tolerated(taint, pod.spec.tolerations ?? [])) return undefined;
    return { filter: ({ node }) => (node.spec?.unschedulable ? refusal : undefined) };
  },
};
