import { hostPortsClash } from "../../../client/rules/host-ports.ts";
import type { Plugin } from "../cycle/plugin.ts";

const refusal = { reasons: ["node(s) didn't have free ports for the requested pod ports"], lasting: false };

/** Ports of the host itself: one pod each per protocol and address. */
export const nodePorts: Plugin = {
  name: "NodePorts",
  weight: 0,
  helpedBy: ["nodeAdded", "podRemoved"],
  prepare(pod) {
    if (pod.hostPorts.length === 0) return undefined;
    return {
      filter: (node) => {
        for (const other of node.pods.values())
          if (hostPortsClash(other.hostPorts, pod.hostPorts)) return refusal;
        return undefined;
      },
    };
  },
};
