import type { Plugin } from "../cycle/plugin.ts";
import type { HostPort } from "../cycle/pod-info.ts";

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
          if (other.hostPorts.some((taken) => pod.hostPorts.some((wanted) => clash(taken, wanted))))
            return refusal;
        return undefined;
      },
    };
  },
};

function clash(a: HostPort, b: HostPort): boolean {
  const sameAddress = a.address === b.address || a.address === "0.0.0.0" || b.address === "0.0.0.0";
  return a.port === b.port && a.protocol === b.protocol && sameAddress;
}
