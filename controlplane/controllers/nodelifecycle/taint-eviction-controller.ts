import { isDeepStrictEqual } from "node:util";
import { isNotFound } from "../../../client/api-error.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import type { Node, Pod } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { timeText } from "../times.ts";
import { evictionInMs } from "./plan-eviction.ts";

const noExecute = ({ spec }: Node) => (spec?.taints ?? []).filter(({ effect }) => effect === "NoExecute");

export const taintEvictionController: Controller = {
  name: "taint-eviction-controller",
  workers: 4,
  setUp(context, queue) {
    const nodes = context.informers.informer(resources.nodes);
    const pods = context.informers.informer(resources.pods);
    indexPodsByNode(pods);
    const tainted = (node: Node) => {
      for (const pod of podsOnNode(pods, node.metadata.name)) queue.add(keyOf(pod));
    };
    nodes.subscribe({
      onAdd: (node) => {
        if (noExecute(node).length > 0) tainted(node);
      },
      onUpdate: (next, previous) => {
        if (!isDeepStrictEqual(noExecute(next), noExecute(previous))) tainted(next);
      },
    });
    const placed = (pod: Pod) => {
      const node = pod.spec.nodeName ? nodes.getByKey(pod.spec.nodeName) : undefined;
      if (node !== undefined && noExecute(node).length > 0) queue.add(keyOf(pod));
    };
    pods.subscribe({
      onAdd: placed,
      onUpdate: (next, previous) => {
        const same = isDeepStrictEqual(next.spec.tolerations, previous.spec.tolerations);
        if (next.spec.nodeName !== previous.spec.nodeName || !same) placed(next);
      },
    });
    return async (key) => {
      const pod = pods.getByKey(key);
      const node = pod?.spec.nodeName ? nodes.getByKey(pod.spec.nodeName) : undefined;
      if (pod === undefined || node === undefined) return undefined;
      const inMs = evictionInMs(pod, noExecute(node), context.clock.wallMs());
      if (inMs === undefined) return undefined;
      if (inMs > 0) return { requeueAfterMs: inMs };
      await evict(context, pod);
      return undefined;
    };
  },
};

async function evict({ client, recorder, clock }: ControllerContext, pod: Pod): Promise<void> {
  const { uid } = pod.metadata;
  recorder.record(pod, {
    type: "Normal",
    reason: "TaintManagerEviction",
    message: `Marking for deletion Pod ${keyOf(pod)}`,
  });
  const said = {
    type: "DisruptionTarget",
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    status: "True",
    reason: "DeletionByTaintManager",
    message: "Taint manager: deleting due to NoExecute taint",
    lastTransitionTime: timeText(clock.wallMs()),
  };
  try {
    const conditions = withCondition(pod.status?.conditions, said);
    await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
    await client.delete(resources.pods, pod.metadata, { preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
