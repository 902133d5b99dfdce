import { oncePerMeter } from "../../../base/os/once-per-meter.ts";
import { isConflict, isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Pod } from "../../../client/types.ts";
import { withCondition } from "../conditions.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { doAll } from "../do-all.ts";
import { isNodeReady, isOutOfService } from "../node-state.ts";
import { indexPodsByNode, podsOnNode } from "../pod-indexes.ts";
import { isFinished } from "../pod-state.ts";
import { timeText } from "../times.ts";
import { type PodGcReason, planPodGc } from "./plan-pod-gc.ts";

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
    const metrics = removalMetrics(context.meter);
    /** Since when a node that pods name is missing, on the monotonic clock. */
    const missingSince = new Map<string, number>();
    nodes.subscribe({
      onAdd: ({ metadata }) => missingSince.delete(metadata.name),
      onUpdate: (node) => {
        if (isOutOfService(node)) queue.addAfter(all, soonMs);
      },
      onDelete: () => queue.addAfter(all, soonMs),
    });
    const isDark = (name: string) => {
      const node = nodes.getByKey(name);
      return node !== undefined && isOutOfService(node) && !isNodeReady(node);
    };
    const look = (pod: Pod) => {
      const { nodeName } = pod.spec;
      const isGoing = pod.metadata.deletionTimestamp !== undefined;
      const stray = nodeName
        ? nodes.getByKey(nodeName) === undefined || (isGoing && isDark(nodeName))
        : isGoing;
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
      const plan = planPodGc({
        pods: pods.list(),
        isGone: (name) => gone.has(name),
        isOutOfService: isDark,
        finishedMost: context.config.terminatedPodsMost,
      });
      await doAll(plan, async ({ pod, reason }) => {
        const labels = { namespace: pod.metadata.namespace ?? "", reason };
        metrics.deleted.inc(labels);
        await remove(context, pod, reason).catch((error: unknown) => {
          metrics.failed.inc(labels);
          throw error;
        });
      });
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

const removalMetrics = oncePerMeter((meter) => ({
  deleted: meter.counter(
    "pod_gc_collector_force_delete_pods_total",
    "[ALPHA] Number of pods that are being forcefully deleted since the Pod GC Controller started.",
    ["namespace", "reason"],
  ),
  failed: meter.counter(
    "pod_gc_collector_force_delete_pod_errors_total",
    "[ALPHA] Number of errors encountered when forcefully deleting the pods since the Pod GC Controller started.",
    ["namespace", "reason"],
  ),
}));

async function remove(
  { client, clock, log }: ControllerContext,
  pod: Pod,
  reason: PodGcReason,
): Promise<void> {
  const { uid, name, namespace } = pod.metadata;
  try {
    // Nobody else says any more how it ended, and who counts pods must know.
    if (!isFinished(pod)) {
      const { generation } = pod.metadata;
      const observed = generation === undefined ? {} : { observedGeneration: generation };
      const said = {
        type: "DisruptionTarget",
        ...observed,
        status: "True",
        reason: "DeletionByPodGC",
        message: "PodGC: node no longer exists",
        lastTransitionTime: timeText(clock.wallMs()),
      };
      const conditions =
        reason === "orphaned" ? withCondition(pod.status?.conditions, said) : pod.status?.conditions;
      await client.updateStatus(resources.pods, {
        ...pod,
        status: {
          ...pod.status,
          ...observed,
          phase: "Failed",
          ...(conditions !== undefined && { conditions }),
        },
      });
    }
    log.info("deleting a pod nobody looks after", { namespace, name });
    await client.delete(resources.pods, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid } });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error; // changed: its event brings us back
  }
}
