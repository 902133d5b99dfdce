import { describeError } from "../../base/os/log.ts";
import { markUnschedulable } from "./bind.ts";
import type { BindOutcome } from "./cycle/plugin.ts";
import type { PodInfo } from "./cycle/pod-info.ts";
import type { Profile } from "./cycle/profile.ts";
import type { Engine } from "./engine.ts";
import { countAttempt } from "./metrics.ts";
import type { Refused } from "./permits.ts";
import { claimNames } from "./plugins/pod-claims.ts";

interface Placing {
  readonly node: string;
  readonly startedMs: number;
}

/** Counts the pod on its node from now on, and sees to it that it gets there; takes it back where that fails. */
export function place(engine: Engine, pod: PodInfo, profile: Profile, placing: Placing): void {
  const { cache, queue, inFlight, permits } = engine;
  const node = cache.node(placing.node);
  if (node === undefined) {
    queue.failed(pod); // it went away while others were asked
    return;
  }
  const nominated = cache.nominations.nodeOf(pod.key);
  cache.nominations.delete(pod.key);
  for (const { name, reserve } of profile.points.reserve) {
    const problem = reserve?.(pod, node);
    if (problem === undefined) continue;
    const error = new Error(`running Reserve plugin ${JSON.stringify(name)}: ${problem}`);
    takeBack(engine, pod, profile, placing, { outcome: "failed", error });
    return;
  }
  cache.assume(pod, placing.node);
  const asked = permits.ask(pod, placing.node, profile.points.permit);
  if (asked !== undefined && "message" in asked) {
    if (nominated !== undefined) cache.nominations.put(pod, nominated);
    takeBack(engine, pod, profile, placing, asked);
    return;
  }
  const work = bindWhenPermitted(engine, pod, profile, placing, asked?.refusal);
  // What others are waited for may be long in coming: that is no reason for the next to wait.
  const { resourceClaims = [] } = pod.pod.spec;
  const waits = asked !== undefined || claimNames(pod).length > 0 || resourceClaims.length > 0;
  if (waits) inFlight.addWaiting(work);
  else inFlight.add(work);
}

async function bindWhenPermitted(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  placing: Placing,
  refusal: Promise<Refused | undefined> | undefined,
): Promise<void> {
  const { queue, recorder, metrics, clock } = engine;
  const askedMs = clock.monotonicMs();
  const refused = await refusal;
  if (refusal !== undefined) {
    const result = refused === undefined ? "Success" : "Unschedulable";
    metrics.permitWaitSeconds.of({ result }).observe((clock.monotonicMs() - askedMs) / 1000);
  }
  if (refused !== undefined) {
    takeBack(engine, pod, profile, placing, refused);
    return;
  }
  const result = await bind(engine, pod, profile, placing.node);
  if (result.outcome !== "bound") {
    takeBack(engine, pod, profile, placing, result);
    return;
  }
  const story = queue.story(pod.key);
  queue.delete(pod.key, pod.pod.metadata.uid);
  countAttempt(
    metrics,
    { result: "scheduled", profile: profile.schedulerName },
    clock,
    placing.startedMs,
    story,
  );
  const message = `Successfully assigned ${pod.key} to ${placing.node}`;
  recorder.record(pod.pod, { type: "Normal", reason: "Scheduled", message });
  for (const { postBind } of profile.points.postBind) postBind?.(pod, placing.node);
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

/** Undoes what was decided; the pod is tried again later, unless it is gone. */
function takeBack(
  engine: Engine,
  pod: PodInfo,
  profile: Profile,
  { node, startedMs }: Placing,
  why: Refused | Exclude<BindOutcome, { outcome: "bound" }>,
): void {
  const { cache, queue, metrics, clock } = engine;
  for (const { unreserve } of [...profile.points.reserve].reverse()) unreserve?.(pod, node);
  const event = cache.forget(pod);
  if ("message" in why) {
    const message = `pod ${JSON.stringify(pod.pod.metadata.name)} rejected while waiting on permit: ${why.message}`;
    queue.unschedulable(pod, new Set([why.plugin]));
    countAttempt(metrics, { result: "unschedulable", profile: profile.schedulerName }, clock, startedMs);
    tell(engine, pod, { reason: "Unschedulable", message });
  } else if (why.outcome === "dropped") queue.delete(pod.key, pod.pod.metadata.uid);
  else {
    queue.failed(pod);
    countAttempt(metrics, { result: "error", profile: profile.schedulerName }, clock, startedMs);
    const { message } = why.error;
    engine.log.warn("binding failed", { pod: pod.key, node, error: why.error });
    tell(engine, pod, { reason: "SchedulerError", message });
  }
  if (event !== undefined) queue.notice(event);
}

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
  tell(engine, pod, { reason: "SchedulerError", message: error.message, nominatedNodeName: "" });
}

interface Told {
  readonly reason: "Unschedulable" | "SchedulerError";
  readonly message: string;
  /** As of `markUnschedulable`. */
  readonly nominatedNodeName?: string;
}

function tell(
  { recorder, client, clock, signal, inFlight }: Engine,
  pod: PodInfo,
  { reason, message, nominatedNodeName }: Told,
): void {
  if (signal.aborted) return;
  recorder.record(pod.pod, { type: "Warning", reason: "FailedScheduling", message });
  const options = { nowMs: clock.wallMs(), signal, nominatedNodeName };
  inFlight.add(markUnschedulable(client, pod.pod, { reason, message }, options));
}
