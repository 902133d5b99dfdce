import { isConflict, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { Node, Pod } from "../../../client/types.ts";
import { conditionOf, isTrue, withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { isFinished, isReady } from "../pod-state.ts";
import { slowStart } from "../slow-start.ts";
import { timeText } from "../times.ts";
import { Heartbeats } from "./heartbeats.ts";
import { type NodeAction, planNode } from "./plan-node.ts";

export const nodeLifecycleController: Controller = {
  name: "node-lifecycle-controller",
  workers: 2,
  setUp(context, queue) {
    const nodes = context.informers.informer(resources.nodes);
    const pods = context.informers.informer(resources.pods);
    const leases = context.informers.informer(resources.leases, { namespace: "kube-node-lease" });
    indexPodsByNode(pods);
    const heartbeats = new Heartbeats(context.clock);
    // Whether any node is ready bears on all: see the invariant in the README.
    let ready = new Set<string>();
    const noteReady = (node: Node, there: boolean) => {
      const before = ready.size;
      ready = new Set(ready);
      if (there && isTrue(node.status?.conditions, "Ready")) ready.add(node.metadata.name);
      else ready.delete(node.metadata.name);
      if (before === 0 || ready.size === 0) for (const one of nodes.list()) queue.add(one.metadata.name);
    };
    const saw = (node: Node) => {
      heartbeats.sawNode(node);
      noteReady(node, true);
      queue.add(node.metadata.name);
    };
    nodes.subscribe({
      onAdd: saw,
      onUpdate: saw,
      onDelete: (node) => {
        heartbeats.forget(node.metadata.name);
        noteReady(node, false);
      },
    });
    const sawLease = (lease: Parameters<typeof heartbeats.sawLease>[0]) => {
      heartbeats.sawLease(lease);
      // A node given up on is back; while it is heard of regularly its timer is enough.
      if (!ready.has(lease.metadata.name)) queue.add(lease.metadata.name);
    };
    leases.subscribe({ onAdd: sawLease, onUpdate: sawLease });
    const parts = { context, pods };
    return async (name) => {
      const node = nodes.getByKey(name);
      if (node === undefined) return undefined;
      const known = conditionOf(node.status?.conditions, "Ready") !== undefined;
      const { nodeMonitorGraceMs, nodeStartupGraceMs } = context.config;
      const graceMs = known ? nodeMonitorGraceMs : nodeStartupGraceMs;
      const silentMs = heartbeats.silentMs(name);
      const silent = silentMs >= graceMs;
      const observed = { silent, anyReady: ready.size > 0, nowMs: context.clock.wallMs() };
      for (const step of planNode(node, observed)) await carryOut(parts, node, step);
      return silent ? undefined : { requeueAfterMs: graceMs - silentMs + 1 };
    };
  },
};

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
}

async function carryOut({ context, pods }: Parts, node: Node, step: NodeAction): Promise<void> {
  const { client, recorder, clock } = context;
  const { name, uid } = node.metadata;
  switch (step.action) {
    case "setConditions":
      // Refused when the node wrote its status in between: then it is not silent.
      await client.updateStatus(resources.nodes, {
        ...node,
        status: { ...node.status, conditions: [...step.conditions] },
      });
      return;
    case "setTaints": {
      const taints = step.taints.length > 0 ? step.taints : null;
      const guard = { uid };
      await client.patch(resources.nodes, { name }, { metadata: guard, spec: { taints } }, { type: "merge" });
      return;
    }
    case "recordNotReady":
      recorder.record(node, {
        type: "Normal",
        reason: "NodeNotReady",
        message: `Node ${name} status is now: NodeNotReady`,
      });
      return;
    case "markPodsNotReady": {
      const serving = podsOnNode(pods, name).filter((pod) => isReady(pod) && !isFinished(pod));
      const { error } = await slowStart(serving.length, async (index) => {
        const pod = serving[index];
        if (pod !== undefined) await markNotReady(client, pod, clock.wallMs());
      });
      if (error !== undefined) throw error;
    }
  }
}

async function markNotReady(client: ControllerContext["client"], pod: Pod, nowMs: number): Promise<void> {
  const condition = { type: "Ready", status: "False", lastTransitionTime: timeText(nowMs) };
  const conditions = withCondition(pod.status?.conditions, condition);
  try {
    await client.updateStatus(resources.pods, { ...pod, status: { ...pod.status, conditions } });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error; // changed: its node lives, or we come back
  }
}
