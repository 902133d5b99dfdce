import type { Node } from "../../../client/types.ts";
import type { Plugin } from "./admission.ts";

const notReady = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" } as const;

/** Kubernetes' TaintNodesByCondition: nothing is scheduled on a new node before a controller has seen it ready and takes the
 *  taint away. */
export const taintNewNodes: Plugin = {
  mutate: ({ kind, operation, by, object }) => {
    if (kind.group !== "" || kind.kind !== "Node" || operation !== "create" || by.subresource !== "") return;
    const node = object as Node;
    const taints = node.spec?.taints ?? [];
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return;
    node.spec = { ...node.spec, taints: [...taints, { ...notReady }] };
  },
};
