import { deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import { describeError, type Log } from "../../base/os/log.ts";
import { below, type Random } from "../../base/os/random.ts";
import type { ApiClient } from "../../client/api.ts";
import type { EventRecorder } from "../../client/events.ts";
import { type BindOutcome, bindPod, markUnschedulable } from "./bind.ts";
import type { SchedulerCache } from "./cache.ts";
import { type FitError, fitErrorText } from "./cycle/fit-error.ts";
import type { Plugin } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";
import { schedule } from "./cycle/schedule.ts";
import type { SchedulerMetrics } from "./metrics.ts";
import type { SchedulingQueue } from "./queue.ts";
import type { VolumePlan } from "./storage/plan-volumes.ts";
import type { VolumeBook } from "./storage/volume-book.ts";

export const engineLimits = {
  /** Bindings and verdicts on their way to the API server. */
  inFlightMost: 128,
  /** Decisions are synchronous; after this long other work gets its turn. */
  sliceMs: 10,
} as const;

export interface EngineDeps {
  readonly client: Pick<ApiClient, "createSubresource" | "patch" | "update">;
  readonly queue: SchedulingQueue;
  readonly cache: SchedulerCache;
  readonly volumes: Pick<VolumeBook, "assume" | "forget" | "carryOut">;
  readonly plugins: readonly Plugin[];
  readonly recorder: Pick<EventRecorder, "record">;
  readonly percentageOfNodesToScore: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: SchedulerMetrics;
  /** Asked right before each binding: only the leader may. */
  readonly mayBind: () => boolean;
}

/** Takes pods off the queue one by one, decides, assumes the decision and sends it off without waiting for the answer,
 *  until the signal aborts and nothing is in flight. */
export async function runEngine(deps: EngineDeps, signal: AbortSignal): Promise<void> {
  const inFlight = new InFlight(engineLimits.inFlightMost);
  let startAt = below(deps.random, 1024);
  let sliceStartMs = deps.clock.monotonicMs();
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
      startAt += decide(deps, pod, startAt, inFlight, signal);
      if (deps.clock.monotonicMs() - sliceStartMs < engineLimits.sliceMs) continue;
      await new Promise((resolve) => setImmediate(resolve));
      sliceStartMs = deps.clock.monotonicMs();
    }
  } finally {
    await inFlight.empty();
  }
  inFlight.throwIfFailed();
}

/** One cycle; answers how many nodes were looked at. */
function decide(
  deps: EngineDeps,
  pod: PodInfo,
  startAt: number,
  inFlight: InFlight,
  signal: AbortSignal,
): number {
  const { cache, clock, metrics } = deps;
  const startedMs = clock.monotonicMs();
  const options = { percentageOfNodesToScore: deps.percentageOfNodesToScore, startAt };
  const decision = schedule(pod, cache, deps.plugins, options, deps.random);
  metrics.algorithmSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
  if (decision.outcome === "unschedulable") {
    inFlight.add(refuse(deps, pod, decision.error, startedMs, signal));
    return cache.nodes.length;
  }
  const node = cache.node(decision.node);
  const plan = node && deps.volumes.assume(pod.pod, node);
  cache.assume(pod, decision.node);
  const placing = { node: decision.node, plan, startedMs };
  // Volumes may be long in coming: that is no reason for others to wait.
  if (plan === undefined) inFlight.add(bind(deps, pod, placing, signal));
  else inFlight.addWaiting(bind(deps, pod, placing, signal));
  return decision.examined;
}

async function bind(
  deps: EngineDeps,
  pod: PodInfo,
  { node, plan, startedMs }: Placing,
  signal: AbortSignal,
): Promise<void> {
  const { queue, cache, recorder, log } = deps;
  const result = (await volumesFailed(deps, plan, node, signal)) ?? (await bindTo(deps, pod, node, signal));
  if (result.outcome === "bound") {
    queue.delete(pod.key, pod.pod.metadata.uid);
    count(deps, "scheduled", startedMs);
    const message = `Successfully assigned ${pod.key} to ${node}`;
    recorder.record(pod.pod, { type: "Normal", reason: "Scheduled", message });
    return;
  }
  const event = cache.forget(pod);
  if (result.outcome === "dropped") queue.delete(pod.key, pod.pod.metadata.uid);
  else {
    queue.failed(pod);
    count(deps, "error", startedMs);
    if (!signal.aborted) {
      log.warn("binding failed", { pod: pod.key, node, error: result.error });
      const message = `binding to ${node} failed: ${result.error.message}`;
      recorder.record(pod.pod, { type: "Warning", reason: "FailedScheduling", message });
    }
  }
  if (event !== undefined) queue.notice(event);
}

interface Placing {
  readonly node: string;
  readonly plan: VolumePlan | undefined;
  readonly startedMs: number;
}

const notLeader = { outcome: "failed", error: new Error("no longer the leader") } as const;

async function bindTo(
  deps: EngineDeps,
  pod: PodInfo,
  node: string,
  signal: AbortSignal,
): Promise<BindOutcome> {
  return deps.mayBind() ? bindPod(deps.client, pod, node, signal) : notLeader;
}

/** Sees to it that the pod has its volumes on the node; answers where it has not. */
async function volumesFailed(
  { volumes, client, clock, mayBind }: EngineDeps,
  plan: VolumePlan | undefined,
  node: string,
  signal: AbortSignal,
): Promise<BindOutcome | undefined> {
  if (plan === undefined) return undefined;
  if (!mayBind()) {
    volumes.forget(plan);
    return notLeader;
  }
  try {
    await volumes.carryOut(plan, node, { client, clock, signal });
    return undefined;
  } catch (error) {
    const why = `running PreBind plugin "VolumeBinding": ${describeError(error)}`;
    return { outcome: "failed", error: new Error(why, { cause: error }) };
  } finally {
    volumes.forget(plan);
  }
}

async function refuse(
  deps: EngineDeps,
  pod: PodInfo,
  error: FitError,
  startedMs: number,
  signal: AbortSignal,
): Promise<void> {
  const message = fitErrorText(error);
  deps.queue.unschedulable(pod, error.plugins);
  count(deps, "unschedulable", startedMs);
  deps.log.debug("pod cannot be placed", { pod: pod.key, message });
  deps.recorder.record(pod.pod, { type: "Warning", reason: "FailedScheduling", message });
  const verdict = { reason: "Unschedulable", message } as const;
  await markUnschedulable(deps.client, pod.pod, verdict, { nowMs: deps.clock.wallMs(), signal });
}

function count(deps: EngineDeps, result: "scheduled" | "unschedulable" | "error", startedMs: number): void {
  deps.metrics.attempts.inc({ result });
  deps.metrics.attemptSeconds.observe({ result }, (deps.clock.monotonicMs() - startedMs) / 1000);
}

/** Promises under way, at most so many; the first failure is kept. */
class InFlight {
  readonly #most: number;
  #count = 0;
  #waiting = 0;
  #failure: { readonly error: unknown } | undefined;
  #changed = deferred<void>();

  constructor(most: number) {
    this.#most = most;
  }

  add(work: Promise<void>): void {
    this.#count++;
    this.#follow(work, () => this.#count--);
  }

  /** What waits for others takes no room. */
  addWaiting(work: Promise<void>): void {
    this.#waiting++;
    this.#follow(work, () => this.#waiting--);
  }

  #follow(work: Promise<void>, onEnd: () => void): void {
    work
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => {
        onEnd();
        this.#changed.resolve();
        this.#changed = deferred();
      });
  }

  /** Resolves when another may start; rejects when one failed. */
  async room(): Promise<void> {
    this.throwIfFailed();
    while (this.#count >= this.#most) await this.#changed.promise;
    this.throwIfFailed();
  }

  async empty(): Promise<void> {
    while (this.#count + this.#waiting > 0) await this.#changed.promise;
  }

  throwIfFailed(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
