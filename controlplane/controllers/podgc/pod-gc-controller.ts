import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Pod } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { isFinished } from "../pod-state.ts";
import { timeText } from "../times.ts";
import { planPodGc } from "./plan-pod-gc.ts";

/** The one key of this controller's queue. */
const all = "pods";
const quarantineMs = 40_000;
const soonMs = 5_000;

export const podGcController: Controller = {
  name: "pod-garbage-collector-controller",
  workers: 1,
  setUp(context, queue) {
    const nodes = context.informers.informer(resources.nodes);
    const pods = context.informers.informer(resources.pods);
    indexPodsByNode(pods);
    /** Since when a node that pods name is missing, on the monotonic clock. */
    const missingSince = new Map<string, number>();
    nodes.subscribe({
      onAdd: ({ metadata }) => missingSince.delete(metadata.name),
      onDelete: () => queue.addAfter(all, soonMs),
    });
    const look = (pod: Pod) => {
      const { nodeName } = pod.spec;
      const stray = nodeName
        ? nodes.getByKey(nodeName) === undefined
        : pod.metadata.deletionTimestamp !== undefined;
      if (stray || isFinished(pod)) queue.addAfter(all, soonMs);
    };
    pods.subscribe({ onAdd: look, onUpdate: look });
    return async () => {
      const nowMs = context.clock.monotonicMs();
      const named = new Set(pods.list().flatMap(({ spec }) => spec.nodeName ?? []));
      for (const name of missingSince.keys()) if (!named.has(name)) missingSince.delete(name);
      for (const name of named)
        if (nodes.getByKey(name) === undefined && !missingSince.has(name)) missingSince.set(name, nowMs);
      const gone = new Set<string>();
      for (const [name, sinceMs] of missingSince)
        if (nowMs - sinceMs >= quarantineMs && (await isNoNode(context, name))) gone.add(name);
      const plan = planPodGc(pods.list(), (name) => gone.has(name), context.config.terminatedPodsMost);
      for (const pod of plan.remove) await remove(context, pod, plan.orphaned.includes(pod));
      for (const name of gone) if (podsOnNode(pods, name).length === 0) missingSince.delete(name);
      const waits = [...missingSince.values()].map((sinceMs) =>
        Math.max(soonMs, sinceMs + quarantineMs - nowMs),
      );
      return waits.length === 0 ? undefined : { requeueAfterMs: Math.min(...waits) };
    };
  },
};

async function isNoNode({ client }: ControllerContext, name: string): Promise<boolean> {
  try {
    await client.get(resources.nodes, { name });
    return false;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

async function remove({ client, clock, log }: ControllerContext, pod: Pod, orphaned: boolean): Promise<void> {
  const { uid, name, namespace } = pod.metadata;
  try {
    if (orphaned && !isFinished(pod)) {
      const said = {
        type: "DisruptionTarget",
        ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
        status: "True",
        reason: "DeletionByPodGC",
        message: "PodGC: node no longer exists",
        lastTransitionTime: timeText(clock.wallMs()),
      };
      const conditions = withCondition(pod.status?.conditions, said);
      await client.updateStatus(resources.pods, {
        ...pod,
        status: { ...pod.status, phase: "Failed", conditions },
      });
    }
    log.info("deleting a pod nobody looks after", { namespace, name });
    await client.delete(resources.pods, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error; // changed: its event brings us back
  }
}
