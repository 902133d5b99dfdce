import { isConflict, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { resources } from "../../../client/resources.ts";
import type { Lease, Node, Pod } from "../../../client/types.ts";
import { conditionOf, isTrue, withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { isFinished, isReady } from "../pod-state.ts";
import { slowStart } from "../slow-start.ts";
import { timeText } from "../times.ts";
import { EvictionZones, zoneOf } from "./eviction-zones.ts";
import { Heartbeats } from "./heartbeats.ts";
import { type NodeAction, planNode } from "./plan-node.ts";

/** The namespace of the nodes' leases. */
const nodeLeases = "kube-node-lease";

export const nodeLifecycleController: Controller = {
  name: "node-lifecycle-controller",
  workers: 8,
  setUp(context, queue) {
    const nodes = context.informers.informer(resources.nodes);
    const pods = context.informers.informer(resources.pods);
    const leases = context.informers.informer(resources.leases);
    indexPodsByNode(pods);
    const heartbeats = new Heartbeats(context.clock);
    const zones = new EvictionZones(context.config.eviction);
    // The state of a zone bears on every node that is not ready.
    const lost = new Set<string>();
    const wakeLost = (wasDisrupted: boolean) => {
      if (wasDisrupted && !zones.disrupted) heartbeats.startAnew(); // what fell silent with us may be alive
      for (const name of lost) queue.add(name);
    };
    const note = (node: Node, ready: boolean) => {
      const { name, labels } = node.metadata;
      if (ready) lost.delete(name);
      else lost.add(name);
      const excluded = labels?.["node.kubernetes.io/exclude-disruption"] !== undefined;
      const wasDisrupted = zones.disrupted;
      const one = { name, zone: zoneOf(labels), ready, excluded };
      if (zones.note(one, context.clock.monotonicMs())) wakeLost(wasDisrupted);
    };
    const saw = (node: Node) => {
      heartbeats.sawNode(node);
      note(node, isTrue(node.status?.conditions, "Ready"));
      queue.add(node.metadata.name);
    };
    nodes.subscribe({
      onAdd: saw,
      onUpdate: saw,
      onDelete: ({ metadata: { name } }) => {
        heartbeats.forget(name);
        lost.delete(name);
        const wasDisrupted = zones.disrupted;
        if (zones.forget(name, context.clock.monotonicMs())) wakeLost(wasDisrupted);
      },
    });
    const sawLease = (lease: Lease) => {
      if (lease.metadata.namespace !== nodeLeases) return;
      heartbeats.sawLease(lease);
      // A node given up on is back; while it is heard of regularly its timer is enough.
      if (lost.has(lease.metadata.name)) queue.add(lease.metadata.name);
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
      const ready = !silent && isTrue(node.status?.conditions, "Ready");
      if (!ready) note(node, false);
      const permission = ready ? { granted: false } : zones.ask(name, context.clock.monotonicMs());
      const evict = zones.disrupted ? "no" : permission.granted ? "yes" : "wait";
      let current = node;
      for (const step of planNode(node, { silent, evict, nowMs: context.clock.wallMs() }))
        current = await carryOut(parts, current, step);
      const waits = silent ? [] : [graceMs - silentMs + 1];
      if ("waitMs" in permission) waits.push(permission.waitMs);
      return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
    };
  },
};

interface Parts {
  readonly context: ControllerContext;
  readonly pods: Informer<Pod>;
}

/** Answers the node as it is afterwards, so that the next step goes on from there. */
async function carryOut({ context, pods }: Parts, node: Node, step: NodeAction): Promise<Node> {
  const { client, recorder, clock } = context;
  const { name, uid, resourceVersion } = node.metadata;
  switch (step.action) {
    case "setConditions":
      // Refused when the node wrote its status in between: then it is not silent.
      return client.updateStatus(resources.nodes, {
        ...node,
        status: { ...node.status, conditions: [...step.conditions] },
      });
    case "setTaints": {
      const taints = step.taints.length > 0 ? step.taints : null;
      // The list is replaced whole: refused when somebody else changed the node since, and planned again.
      const body = { metadata: { uid, resourceVersion }, spec: { taints } };
      return client.patch(resources.nodes, { name }, body, { type: "merge" });
    }
    case "recordNotReady":
      recorder.record(node, {
        type: "Normal",
        reason: "NodeNotReady",
        message: `Node ${name} status is now: NodeNotReady`,
      });
      return node;
    case "markPodsNotReady": {
      const serving = podsOnNode(pods, name).filter((pod) => isReady(pod) && !isFinished(pod));
      const { error } = await slowStart(serving.length, async (index) => {
        const pod = serving[index];
        if (pod !== undefined) await markNotReady(client, pod, clock.wallMs());
      });
      if (error !== undefined) throw error;
      return node;
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
