import type { Clock } from "../../base/os/clock.ts";
import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import { oncePerMeter } from "../../base/os/once-per-meter.ts";
import type { ClusterEventKind } from "./cycle/cluster-event.ts";
import type { Measure } from "./cycle/measure.ts";

export type SchedulerMetrics = ReturnType<typeof declare>;

/** What a scheduler reports, under kube-scheduler's names. */
export const schedulerMetrics = oncePerMeter(declare);

const named = (name: string): string => `scheduler_${name}`;

function declare(meter: Meter) {
  return {
    attempts: meter.tally<"result" | "profile">(
      named("schedule_attempts_total"),
      "Number of attempts to schedule pods, by the result. 'unschedulable' means a pod could not be scheduled, while 'error' means an internal scheduler problem.",
    ),
    attemptSeconds: meter.buckets<"result" | "profile">(
      named("scheduling_attempt_duration_seconds"),
      "Scheduling attempt latency in seconds (scheduling algorithm + binding)",
      exponentialBuckets(0.001, 2, 15),
    ),
    algorithmSeconds: meter
      .buckets<never>(
        named("scheduling_algorithm_duration_seconds"),
        "Scheduling algorithm latency in seconds",
        exponentialBuckets(0.001, 2, 15),
      )
      .of({}),
    podSeconds: meter.buckets<"attempts">(
      named("pod_scheduling_sli_duration_seconds"),
      "E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue and might involve multiple scheduling attempts.",
      exponentialBuckets(0.01, 2, 20),
    ),
    podAttempts: meter
      .buckets<never>(
        named("pod_scheduling_attempts"),
        "Number of attempts to successfully schedule a pod.",
        exponentialBuckets(1, 2, 5),
      )
      .of({}),
    pointSeconds: meter.buckets<"extension_point" | "status" | "profile">(
      named("framework_extension_point_duration_seconds"),
      "Latency for running all plugins of a specific extension point.",
      exponentialBuckets(0.0001, 2, 12),
    ),
    pluginSeconds: meter.buckets<"plugin" | "extension_point" | "status">(
      named("plugin_execution_duration_seconds"),
      "Duration for running a plugin at a specific extension point.",
      exponentialBuckets(0.00001, 1.5, 20),
    ),
    incoming: meter.tally<"queue" | "event">(
      named("queue_incoming_pods_total"),
      "Number of pods added to scheduling queues by event and queue type.",
    ),
    permitWaitSeconds: meter.buckets<"result">(
      named("permit_wait_duration_seconds"),
      "Duration of waiting on permit.",
      exponentialBuckets(0.001, 2, 15),
    ),
    preemptionAttempts: meter
      .tally<never>(named("preemption_attempts_total"), "Total preemption attempts in the cluster till now")
      .of({}),
    preemptionVictims: meter
      .buckets<never>(
        named("preemption_victims"),
        "Number of selected preemption victims",
        exponentialBuckets(1, 2, 7),
      )
      .of({}),
    evictions: meter.tally<"result">(
      named("preemption_goroutines_execution_total"),
      "Number of preemption goroutines executed.",
    ),
    evictionSeconds: meter.buckets<"result">(
      named("preemption_goroutines_duration_seconds"),
      "Duration in seconds for running goroutines for the preemption.",
      exponentialBuckets(0.01, 2, 20),
    ),
    claimCreates: meter.tally<"status">(
      named("resourceclaim_creates_total"),
      "Number of ResourceClaims creation requests within scheduler",
    ),
    conditionalAllocations: meter.tally<"profile" | "driver" | "status">(
      named("dra_bindingconditions_allocations_total"),
      "Number of allocations using devices with BindingConditions, counted per driver per scheduling attempt",
    ),
    conditionSeconds: meter.buckets<"profile" | "driver" | "status">(
      named("dra_bindingconditions_wait_duration_seconds"),
      "Time in seconds spent waiting for BindingConditions to be satisfied during PreBind.",
      exponentialBuckets(0.1, 2, 14),
    ),
    pending: meter.gauge(
      named("pending_pods"),
      "Number of pending pods, by the queue type. 'active' means number of pods in activeQ; 'backoff' means number of pods in backoffQ; 'unschedulable' means number of pods in unschedulablePods that the scheduler attempted to schedule and failed; 'gated' is the number of unschedulable pods that the scheduler never attempted to schedule because they are gated.",
      ["queue"],
    ),
    unschedulable: meter.gauge(
      named("unschedulable_pods"),
      "The number of unschedulable pods broken down by plugin name. A pod will increment the gauge for all plugins that caused it to not schedule and so this metric have meaning only when broken down by plugin.",
      ["plugin", "profile"],
    ),
    cacheSize: meter.gauge(
      named("cache_size"),
      "Number of nodes, pods, and assumed (bound) pods in the scheduler cache.",
      ["type"],
    ),
  };
}

/** Counts an attempt that ended; with the story of its pod when that has a node now. */
export function countAttempt(
  metrics: SchedulerMetrics,
  labels: { readonly result: "scheduled" | "unschedulable" | "error"; readonly profile: string },
  clock: Clock,
  startedMs: number,
  story?: { readonly addedMs: number; readonly attempts: number },
): void {
  const nowMs = clock.monotonicMs();
  metrics.attempts.of(labels).count++;
  metrics.attemptSeconds.of(labels).observe((nowMs - startedMs) / 1000);
  if (story === undefined) return;
  metrics.podAttempts.observe(story.attempts);
  const attempts = story.attempts >= 15 ? "15+" : String(story.attempts);
  metrics.podSeconds.of({ attempts }).observe((nowMs - story.addedMs) / 1000);
}

/** One cycle in so many has its plugins measured. */
const sampledOneIn = 10;

/** Measures cycles of a profile. */
export function measuring(metrics: SchedulerMetrics, clock: Clock, profile: string): () => Measure {
  let cycle = 0;
  const nowMs = () => clock.monotonicMs();
  const point: Measure["point"] = (extensionPoint, status, startedMs) =>
    metrics.pointSeconds
      .of({ extension_point: extensionPoint, status, profile })
      .observe((nowMs() - startedMs) / 1000);
  const plugin: Measure["plugin"] = (extensionPoint, name, startedMs) =>
    metrics.pluginSeconds
      .of({ plugin: name, extension_point: extensionPoint, status: "Success" })
      .observe((nowMs() - startedMs) / 1000);
  const plain: Measure = { nowMs, point, plugin, sampled: false };
  const sampled: Measure = { nowMs, point, plugin, sampled: true };
  return () => (cycle++ % sampledOneIn === 0 ? sampled : plain);
}

/** Kubernetes' names of what lets pods into the queue. */
const eventNames: Readonly<Partial<Record<ClusterEventKind, string>>> = {
  nodeAdded: "NodeAdd",
  nodeChanged: "NodeUpdate",
  podRemoved: "AssignedPodDelete",
  podShrank: "UpdatePodScaleDown",
  podPlaced: "AssignedPodAdd",
  podRelabelled: "UpdatePodLabel",
  podWaits: "UnscheduledPodAdd",
  namespaceChanged: "NamespaceUpdate",
  claimChanged: "PersistentVolumeClaimUpdate",
  volumeChanged: "PersistentVolumeUpdate",
  storageClassChanged: "StorageClassUpdate",
  csiNodeChanged: "CSINodeUpdate",
  csiDriverChanged: "CSIDriverUpdate",
  storageCapacityChanged: "CSIStorageCapacityUpdate",
  attachmentRemoved: "VolumeAttachmentDelete",
};

export const eventName = (why: string): string =>
  Object.hasOwn(eventNames, why) ? (eventNames[why as ClusterEventKind] ?? why) : why;
