import type { PluginFactory } from "../cycle/handle.ts";

const refusal = { reasons: ["node(s) didn't match the requested node name"], lasting: true };

/** spec.nodeName, where a pod that is not yet bound already names its node. */
export const nodeName: PluginFactory = () => ({
  name: "NodeName",
  helpedBy: { nodeAdded: ({ pod }, { node }) => pod.spec.nodeName === node.metadata.name },
  prepareFilter: ({ pod }) => {
    const wanted = pod.spec.nodeName;
    return wanted
      ? { asks: wanted, filter: (node) => (node.name === wanted ? undefined : refusal) }
      : undefined;
  },
});
