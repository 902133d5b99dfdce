import type { Plugin } from "../cycle/plugin.ts";

const refusal = { reasons: ["node(s) didn't match the requested node name"], lasting: true };

/** spec.nodeName, where a pod that is not yet bound already names its node. */
export const nodeName: Plugin = {
  name: "NodeName",
  weight: 0,
  helpedBy: ["nodeAdded"],
  prepare({ pod }) {
    const wanted = pod.spec.nodeName;
    return wanted ? { filter: (node) => (node.name === wanted ? undefined : refusal) } : undefined;
  },
};
