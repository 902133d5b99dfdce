import type { Node, Pod } from "../../../client/types.ts";
import type { PluginFactory } from "../cycle/handle.ts";

const refusal = { reasons: ["node(s) didn't match Pod's required features"], lasting: true };

/** What a pod asks of its node that not every node can do, by the names that nodes declare: Kubernetes' nodedeclaredfeatures. */
const needs: Readonly<Record<string, (pod: Pod) => boolean>> = {
  RestartAllContainersOnContainerExits: ({ spec }) =>
    [...spec.containers, ...(spec.initContainers ?? [])].some(({ restartPolicyRules = [] }) =>
      restartPolicyRules.some(({ action }) => action === "RestartAllContainers"),
    ),
  UserNamespacesHostNetworkSupport: ({ spec }) => spec.hostNetwork === true && spec.hostUsers === false,
};

const declares = ({ status }: Node, wanted: readonly string[]): boolean =>
  wanted.every((name) => status?.declaredFeatures?.includes(name));

/** Pods that need what only some nodes can do go to those that say so. */
export const nodeDeclaredFeatures: PluginFactory = () => {
  const neededBy = (pod: Pod) => Object.keys(needs).filter((name) => needs[name]?.(pod));
  return {
    name: "NodeDeclaredFeatures",
    helpedBy: {
      nodeAdded: ({ pod }, { node }) => declares(node, neededBy(pod)),
      nodeChanged: ({ pod }, { node }) => declares(node, neededBy(pod)),
    },
    prepareFilter: ({ pod }) => {
      const wanted = neededBy(pod);
      if (wanted.length === 0) return undefined;
      return {
        asks: wanted.join(),
        filter: ({ node }) => (declares(node, wanted) ? undefined : refusal),
      };
    },
  };
};
