import { tolerated } from "../../../client/rules/tolerations.ts";
import type { Node } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

const refusal = { reasons: ["node(s) were unschedulable"], lasting: true };
const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };

/** spec.unschedulable of nodes (`kubectl cordon`), unless the pod tolerates its taint. */
export const nodeUnschedulable: PluginFactory = () => {
  const takes = ({ pod }: PodInfo, { node }: { readonly node: Node }) =>
    !node.spec?.unschedulable || tolerated(taint, pod.spec.tolerations ?? []);
  return {
    name: "NodeUnschedulable",
    helpedBy: { nodeAdded: takes, nodeChanged: takes },
    prepareFilter: ({ pod }) => {
      if (tolerated(taint, pod.spec.tolerations ?? [])) return undefined;
      return { asks: "", filter: ({ node }) => (node.spec?.unschedulable ? refusal : undefined) };
    },
  };
};
