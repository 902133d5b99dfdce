import { describeError } from "../../base/os/log.ts";
import type { Tracer } from "../../base/tracing/tracer.ts";
import { inTraceOf } from "../../client/rules/pod-trace.ts";
import type { Pod } from "../../client/types.ts";
import { markUnschedulable, setNominatedNode } from "./bind.ts";
import type { BindOutcome } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";
import type { Profile } from "./cycle/profile.ts";
import type { Engine } from "./engine.ts";
import { countAttempt } from "./metrics.ts";
import type { Refused } from "./permits.ts";

interface Placing {
  readonly node: string;
  readonly startedMs: number;
}

/** From when the pod was looked at until it is bound, in the trace of the request that made it. */
function inSchedulingSpan(
  tracer: Tracer,
  { pod }: PodInfo,
  { node, startedMs }: Placing,
  bound: () => Promise<void>,
): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const attributes = () => ({ namespace, name, node });
  return inTraceOf(tracer, pod, { name: "Scheduling", startMs: tracer.atMs(startedMs), attributes }, bound);
}

/** A pod that counts on its node and is not bound to it yet. */
interface Binding extends Placing {
  /** Others are waited for, which may be long in coming. */
  readonly waits: boolean;
}

/** Counts the pod on its node from now on, and sees to it that it gets there; takes it back where that fails. */
export function place(engine: Engine, pod: PodInfo, profile: Profile, placing: Placing): void {
  const { cache, queue, inFlight, permits } = engine;
  const node = cache.node(placing.node);
  if (node === undefined) {
    queue.failed(pod); // it went away while others were asked
    return;
  }
  cache.nominations.delete(pod.key);
  for (const { name, reserve } of profile.points.reserve) {
    const problem = reserve?.(pod, node);
    if (problem === undefined) continue;
    const error = new Error(`running Reserve plugin ${JSON.stringify(name)}: ${problem}`);
    takeBack(engine, pod, profile, { ...placing, waits: false }, { outcome: "failed", error });
    return;
  }
  cache.assume(pod, placing.node);
  const asked = permits.ask(pod, placing.node, profile.points.permit);
  if (asked !== undefined && "message" in asked) {
    takeBack(engine, pod, profile, { ...placing, waits: false }, asked);
    return;
  }
  const waits =
    asked !== undefined || profile.points.preBind.some(({ needsPreBind }) => needsPreBind?.(pod) ?? true);
  const bound = () => bindWhenPermitted(engine, pod, profile, { ...placing, waits }, asked?.refusal);
  const work = engine.tracer === undefined ? bound() : inSchedulingSpan(engine.tracer, pod, placing, bound);
  // That others are waited for is no reason for the next to wait.
  if (waits) inFlight.addWaiting(work);
  else inFlight.add(work);
}

async function bindWhenPermitted(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  binding: Binding,
  refusal: Promise<Refused | undefined> | undefined,
): Promise<void> {
  const { queue, recorder, metrics, clock } = engine;
  const askedMs = clock.monotonicMs();
  await announce(engine, pod.pod, binding);
  const refused = await refusal;
  if (refusal !== undefined) {
    const result = refused === undefined ? "Success" : "Unschedulable";
    metrics.permitWaitSeconds.of({ result }).observe((clock.monotonicMs() - askedMs) / 1000);
  }
  if (refused !== undefined) {
    takeBack(engine, pod, profile, binding, refused);
    return;
  }
  const result = await bind(engine, pod, profile, binding.node);
  if (result.outcome !== "bound") {
    takeBack(engine, pod, profile, binding, result);
    return;
  }
  const story = queue.story(pod.key);
  queue.delete(pod.key, pod.pod.metadata.uid);
  countAttempt(
    metrics,
    { result: "scheduled", profile: profile.schedulerName },
    clock,
    binding.startedMs,
    story,
  );
  const message = `Successfully assigned ${pod.key} to ${binding.node}`;
  recorder.record(pod.pod, { type: "Normal", reason: "Scheduled", message });
  for (const { postBind } of profile.points.postBind) postBind?.(pod, binding.node);
}

/** Says where the pod is about to go, for those who make room or nodes for pods, where it does not go there at once. */
async function announce(
  { client, mayBind, signal }: Engine,
  pod: Pod,
  { node, waits }: Binding,
): Promise<void> {
  if (waits && mayBind() && pod.status?.nominatedNodeName !== node)
    await setNominatedNode(client, pod, node, signal);
}

const notLeader: BindOutcome = { outcome: "failed", error: new Error("no longer the leader") };

async function bind(engine: Engine, pod: PodInfo, { points }: Profile, node: string): Promise<BindOutcome> {
  const { mayBind, signal, extenders } = engine;
  for (const { name, preBind } of points.preBind) {
    if (preBind === undefined) continue;
    if (!mayBind()) return notLeader;
    try {
      await preBind(pod, node, signal);
    } catch (error) {
      const why = `running PreBind plugin ${JSON.stringify(name)}: ${describeError(error)}`;
      return { outcome: "failed", error: new Error(why, { cause: error }) };
    }
  }
  if (!mayBind()) return notLeader;
  const outside = await extenders?.bind(pod, node, signal);
  if (outside !== undefined) return outside;
  for (const { name, bind } of points.bind) {
    const outcome = await bind?.(pod, node, signal);
    if (outcome === undefined || outcome === "skip") continue;
    if (outcome.outcome !== "failed") return outcome;
    const why = `running Bind plugin ${JSON.stringify(name)}: ${describeError(outcome.error)}`;
    return { outcome: "failed", error: new Error(why, { cause: outcome.error }) };
  }
  return { outcome: "failed", error: new Error("no plugin binds this pod") };
}

/** Undoes what was decided; the pod is tried again later, unless it is gone, and is promised nothing till then. */
function takeBack(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  { node, startedMs, waits }: Binding,
  why: Refused | Exclude<BindOutcome, { outcome: "bound" }>,
): void {
  const { cache, queue, metrics, clock } = engine;
  for (const { unreserve } of [...profile.points.reserve].reverse()) unreserve?.(pod, node);
  const event = cache.forget(pod);
  const told = waits ? announced(pod, node) : pod;
  if ("message" in why) {
    const message = `pod ${JSON.stringify(pod.pod.metadata.name)} rejected while waiting on permit: ${why.message}`;
    queue.unschedulable(pod, new Set([why.plugin]));
    countAttempt(metrics, { result: "unschedulable", profile: profile.schedulerName }, clock, startedMs);
    tell(engine, told, { reason: "Unschedulable", message });
  } else if (why.outcome === "dropped") queue.delete(pod.key, pod.pod.metadata.uid);
  else {
    queue.failed(pod);
    countAttempt(metrics, { result: "error", profile: profile.schedulerName }, clock, startedMs);
    const { message } = why.error;
    engine.log.warn("binding failed", { pod: pod.key, node, error: why.error });
    tell(engine, told, { reason: "SchedulerError", message });
  }
  if (event !== undefined) queue.notice(event);
}

/** As the API server knows the pod since it was told where it goes. */
const announced = (info: PodInfo, node: string): PodInfo => ({
  ...info,
  pod: { ...info.pod, status: { ...info.pod.status, nominatedNodeName: node } },
});

/** The cycle could not be finished: the pod is tried again later, and is promised nothing till then. */
export function fail(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  { startedMs }: Placing,
  error: Error,
): void {
  engine.queue.failed(pod);
  countAttempt(engine.metrics, { result: "error", profile: profile.schedulerName }, engine.clock, startedMs);
  engine.log.warn("scheduling failed", { pod: pod.key, error });
  engine.cache.nominations.delete(pod.key);
  tell(engine, pod, { reason: "SchedulerError", message: error.message });
}

interface Told {
  readonly reason: "Unschedulable" | "SchedulerError";
  readonly message: string;
}

/** Says why the pod has no node, and that none is promised to it. */
function tell(
  { recorder, client, clock, signal, inFlight }: Engine,
  pod: PodInfo,
  { reason, message }: Told,
): void {
  if (signal.aborted) return;
  recorder.record(pod.pod, { type: "Warning", reason: "FailedScheduling", message });
  const options = { nowMs: clock.wallMs(), signal, nominatedNodeName: "" };
  inFlight.add(markUnschedulable(client, pod.pod, { reason, message }, options));
}
