import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { ownSetImmediate } from "../../base/os/own-timers.ts";
import { below, type Random } from "../../base/os/random.ts";
import type { Tracer } from "../../base/tracing/tracer.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import { markUnschedulable } from "./bind.ts";
import type { SchedulerCache } from "./cache.ts";
import { type FitError, fitErrorText } from "./cycle/fit-error.ts";
import type { Measure } from "./cycle/measure.ts";
import type { Rescue } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";
import type { Profile } from "./cycle/profile.ts";
import { type Decision, schedule } from "./cycle/schedule.ts";
import type { Extenders } from "./extenders/extenders.ts";
import { InFlight } from "./in-flight.ts";
import { countAttempt, type SchedulerMetrics } from "./metrics.ts";
import type { Permits } from "./permits.ts";
import { fail, place } from "./place.ts";
import { makeRoom } from "./preemption/make-room.ts";
import type { SchedulingQueue } from "./queue.ts";

export const engineLimits = {
  /** Bindings and verdicts on their way to the API server. */
  inFlightMost: 128,
  /** Decisions are synchronous; after this long other work gets its turn. */
  sliceMs: 10,
} as const;

export interface EngineDeps {
  readonly client: Pick<ApiClient, "createSubresource" | "patch" | "update" | "delete">;
  readonly queue: SchedulingQueue;
  readonly cache: SchedulerCache;
  readonly permits: Permits;
  /** By `schedulerName`. */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Measures a cycle of a profile. */
  readonly measure: (profile: string) => Measure;
  readonly extenders: Extenders | undefined;
  readonly recorder: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: SchedulerMetrics;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer | undefined;
  /** Asked right before each binding: only the leader may. */
  readonly mayBind: () => boolean;
}

/** Takes pods off the queue one by one, decides, assumes the decision and sends it off without waiting for the answer,
 *  until the signal aborts and nothing is in flight. */
export async function runEngine(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const inFlight = new InFlight(engineLimits.inFlightMost);
  const engine = { ...deps, inFlight, signal };
  let startAt = below(deps.random, 1024);
  let sliceStartMs = deps.clock.monotonicMs();
  const stop = () => deps.permits.close();
  signal.addEventListener("abort", stop, { once: true });
  try {
    while (!signal.aborted) {
      await inFlight.room();
      if (signal.aborted) break;
      const pod = deps.queue.take();
      if (pod === undefined) {
        await deps.queue.ready(signal);
        sliceStartMs = deps.clock.monotonicMs();
        continue;
      }
      const asked = deps.extenders?.interestedIn(pod);
      const examined = decide(engine, pod, startAt, asked);
      startAt += typeof examined === "number" ? examined : await examined;
      if (deps.clock.monotonicMs() - sliceStartMs < engineLimits.sliceMs) continue;
      await new Promise((resolve) => ownSetImmediate(resolve));
      sliceStartMs = deps.clock.monotonicMs();
    }
  } finally {
    signal.removeEventListener("abort", stop);
    deps.permits.close();
    await inFlight.empty();
  }
  inFlight.throwIfFailed();
}

export interface Engine extends EngineDeps {
  readonly inFlight: InFlight;
  readonly signal: AbortSignal;
}

/** One cycle; answers how many nodes were looked at. Synchronous unless others have a say. */
function decide(
  engine: Engine,
  pod: PodInfo,
  startAt: number,
  asked: ReturnType<Extenders["interestedIn"]> | undefined,
): number | Promise<number> {
  const { cache, clock, metrics, profiles } = engine;
  const profile = profiles.get(pod.schedulerName);
  if (profile === undefined) {
    engine.queue.delete(pod.key);
    return 0;
  }
  const startedMs = clock.monotonicMs();
  const measure = engine.measure(profile.schedulerName);
  const noticed = engine.queue.noticed;
  const act = (decision: Decision): number => {
    metrics.algorithmSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
    const placing = { node: decision.outcome === "placed" ? decision.node : "", startedMs };
    if (decision.outcome === "placed") place(engine, pod, profile, placing);
    else if (decision.outcome === "error") fail(engine, pod, profile, placing, decision.error);
    else if (decision.outcome === "stale") engine.queue.failed(pod);
    else
      refuse(
        engine,
        pod,
        profile,
        { ...decision, mayHaveMissed: engine.queue.noticed !== noticed },
        startedMs,
      );
    return decision.examined;
  };
  const options = { startAt, measure };
  if (asked === undefined) return act(schedule(pod, cache, profile, options, engine.random));
  return asked.schedule(pod, cache, profile, options, engine).then(act);
}

interface Refusing {
  readonly error: FitError;
  readonly rescue: Rescue | undefined;
  /** Something happened while others were asked. */
  readonly mayHaveMissed: boolean;
}

/** Why no node is to be had: told to people, and the pod waits for what may help. */
function refuse(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  { error, rescue, mayHaveMissed }: Refusing,
  startedMs: number,
): void {
  const { queue, metrics, clock, log, recorder, inFlight, client, signal } = engine;
  const message = fitErrorText(error);
  if (rescue?.outcome === "nominated") makeRoom(engine, pod, rescue);
  if (mayHaveMissed) queue.failed(pod);
  else queue.unschedulable(pod, error.plugins);
  if (rescue !== undefined) metrics.preemptionAttempts.count++;
  countAttempt(metrics, { result: "unschedulable", profile: profile.schedulerName }, clock, startedMs);
  log.debug("pod cannot be placed", { pod: pod.key, message });
  recorder.record(pod.pod, { type: "Warning", reason: "FailedScheduling", message });
  const verdict = { reason: "Unschedulable", message } as const;
  const nominatedNodeName = nominationOf(engine, pod, rescue);
  inFlight.add(
    markUnschedulable(client, pod.pod, verdict, { nowMs: clock.wallMs(), signal, nominatedNodeName }),
  );
}

/** The node that is promised from now on; "" takes a promise back, undefined leaves it as it is. */
function nominationOf({ cache }: Engine, pod: PodInfo, rescue: Rescue | undefined): string | undefined {
  if (rescue?.outcome === "nominated") {
    cache.nominations.put(pod, rescue.node);
    return rescue.node;
  }
  if (rescue?.outcome !== "none" || rescue.keepsNomination) return undefined;
  cache.nominations.delete(pod.key);
  return "";
}
