import { hostPortsClash } from "../../../client/rules/host-ports.ts";
import type { PluginFactory } from "../cycle/handle.ts";

const refusal = { reasons: ["node(s) didn't have free ports for the requested pod ports"], lasting: false };

/** Ports of the host itself: one pod each per protocol and address. */
export const nodePorts: PluginFactory = () => ({
  name: "NodePorts",
  helpedBy: {
    nodeAdded: () => true,
    podRemoved: (pod, { pod: other }) => hostPortsClash(other.hostPorts, pod.hostPorts),
  },
  prepareFilter: (pod) => {
    if (pod.hostPorts.length === 0) return undefined;
    return {
      asks: JSON.stringify(pod.hostPorts),
      filter: (node) => {
        for (const other of node.podsWithHostPorts.values())
          if (hostPortsClash(other.hostPorts, pod.hostPorts)) return refusal;
        return undefined;
      },
    };
  },
});
