import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { EventRecorder, EventSubject } from "../../client/events.ts";
import type { Pod } from "../../client/types.ts";
import type { Eviction } from "../sync/eviction.ts";
import { evictionGraceSeconds } from "../sync/grace-seconds.ts";
import { isTerminal } from "../sync/pod-phase.ts";
import { isCritical } from "./critical-pods.ts";
import { type DiskLayout, reclaimableOf } from "./disk-layout.ts";
import { evictionWords } from "./eviction-message.ts";
import type { Look, NodePressure } from "./node-pressure.ts";
import { isRelieved, thresholdMet } from "./plan-pressure.ts";
import { type PodUse, type PodUseDoors, podUse } from "./pod-use.ts";
import { rankPods } from "./rank-pods.ts";
import { type Signal, signalFacts } from "./signals.ts";
import { isHard, type Threshold } from "./thresholds.ts";

export const pressureTimes = {
  /** Between two looks at the node, while all is well: they cost a few reads of /proc. */
  lookMs: 2_000,
  /** And while something is to be reclaimed that no pod can give back. */
  retryMs: 10_000,
  /** An evicted pod is waited for so long before the next is looked for. */
  endedMostMs: 30_000,
  endedPollMs: 1_000,
  /** As what ended pods left. */
  reclaimMostMs: 30_000,
} as const;

export interface PressureDeps extends PodUseDoors {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly events: Pick<EventRecorder, "record">;
  readonly node: EventSubject;
  readonly pressure: NodePressure;
  readonly layout: () => Promise<DiskLayout>;
  /** This node's. */
  readonly pods: () => readonly Pod[];
  readonly workers: {
    /** False when there was nothing to order. */
    evict(podUid: string, eviction: Eviction): boolean;
    isFreed(podUid: string): boolean;
    reclaimEnded(): Promise<void>;
  };
  /** Removes a part of the logs that are kept of what is gone, the oldest first; answers how many bytes that gave back: 0 where
   *  there are none. */
  readonly reclaimLogs: () => Promise<number>;
  /** Removes images that nothing uses; answers how many bytes that gave back. */
  readonly reclaimImages: () => Promise<number>;
}

/** Look by look: where the node is short of something, what nobody uses goes, and then pods, one at a time. */
export async function relievePressure(deps: PressureDeps, signal: AbortSignal): Promise<void> {
  const evictions = deps.meter.counter(
    "kubelet_evictions",
    "Cumulative number of pod evictions by eviction signal",
    ["eviction_signal"],
  );
  for (;;) {
    const look = await deps.pressure.look();
    const [first] = look.due;
    let waitMs: number = pressureTimes.lookMs;
    if (first !== undefined) {
      const evicted = await relieve(first, look, deps, signal);
      if (evicted !== undefined) {
        evictions.inc({ eviction_signal: first.signal });
        await untilEnded(evicted, deps, signal);
        continue;
      }
      waitMs = pressureTimes.retryMs;
    }
    await sleep(deps.clock, waitMs, signal);
  }
}

/** Answers the pod that is to go for it, if one is. */
async function relieve(
  threshold: Threshold,
  look: Look,
  deps: PressureDeps,
  signal: AbortSignal,
): Promise<Pod | undefined> {
  const { resource } = signalFacts[threshold.signal];
  const message = `Attempting to reclaim ${resource}`;
  deps.log.warn("the node is short of something", {
    signal: threshold.signal,
    ...look.observations.get(threshold.signal),
  });
  deps.events.record(deps.node, { type: "Warning", reason: "EvictionThresholdMet", message });
  const layout = await deps.layout();
  if (await reclaimUnused(threshold.signal, layout, deps, signal)) return undefined;
  const candidates = deps.pods().filter((pod) => !isTerminal(pod.status?.phase) && !isCritical(pod));
  const { runtime, volumes, log, folders } = deps;
  const doors = { runtime, volumes, log, layout, stop: signal, ...(folders !== undefined && { folders }) };
  const use = await podUse(candidates, threshold.signal, doors);
  for (const pod of rankPods(candidates, resource, ({ metadata }) => use.get(metadata.uid)?.total)) {
    const eviction = evictionOf(pod, { threshold, look, use: use.get(pod.metadata.uid), deps });
    if (!deps.workers.evict(pod.metadata.uid, eviction)) continue;
    const { namespace, name } = pod.metadata;
    deps.log.warn("evicting a pod", { pod: `${namespace}/${name}`, message: eviction.message });
    return pod;
  }
  deps.log.warn("no pod can be evicted", { resource });
  return undefined;
}

/** What no container uses any more; answers whether that was enough. */
async function reclaimUnused(
  starved: Signal,
  layout: DiskLayout,
  { workers, reclaimLogs, reclaimImages, pressure, log, clock }: PressureDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const { logs, containers, images } = reclaimableOf(starved, layout);
  const isEnough = async () => isRelieved(pressure.rules.thresholds, await pressure.observe());
  while (logs) {
    const bytes = await reclaimLogs();
    if (bytes === 0) break;
    log.info("removed logs that were kept", { bytes });
    if (await isEnough()) return true;
    signal.throwIfAborted();
  }
  if (!containers && !images) return false;
  if (containers) await within(clock, pressureTimes.reclaimMostMs, workers.reclaimEnded());
  if (images)
    try {
      log.info("removed images that nothing uses", { bytes: await reclaimImages() });
    } catch (error) {
      signal.throwIfAborted();
      log.warn("cannot remove images that nothing uses", { error });
    }
  return isEnough();
}

function evictionOf(
  pod: Pod,
  {
    threshold,
    look,
    use,
    deps,
  }: { threshold: Threshold; look: Look; use: PodUse | undefined; deps: PressureDeps },
): Eviction {
  const { resource } = signalFacts[threshold.signal];
  const words = evictionWords(pod, {
    resource,
    met: thresholdMet(threshold.signal, look.due, look.observations),
    usedBytes: use?.containers ?? new Map(),
    podMemoryBytes: resource === "memory" ? use?.total : undefined,
  });
  const asked = pod.spec.terminationGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
  const most = Math.min(deps.pressure.rules.podGraceSecondsMost, asked);
  const graceSeconds = isHard(threshold) ? evictionGraceSeconds : Math.max(evictionGraceSeconds, most);
  return { ...words, graceSeconds, disrupts: true };
}

/** Until nothing of the pod takes room any more, or it has had its time. */
async function untilEnded({ metadata }: Pod, deps: PressureDeps, signal: AbortSignal): Promise<void> {
  const { clock, workers, log } = deps;
  const startMs = clock.monotonicMs();
  while (!workers.isFreed(metadata.uid)) {
    if (clock.monotonicMs() - startMs >= pressureTimes.endedMostMs) {
      log.warn("an evicted pod does not end", { pod: `${metadata.namespace}/${metadata.name}` });
      return;
    }
    await sleep(clock, pressureTimes.endedPollMs, signal);
  }
}

/** Waits no longer than so; what is waited for goes on. */
function within(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, resolve);
    promise.then(resolve, reject).finally(cancel);
  });
}
