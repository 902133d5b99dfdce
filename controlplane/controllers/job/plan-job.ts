import type { Job, Pod } from "../../../client/types.ts";
import { conditionOf, isTrue, withCondition } from "../conditions.ts";
import { isBeingDeleted } from "../owners.ts";
import { isActive, isFinished, isReady } from "../pod-state.ts";
import { timeText } from "../times.ts";
import { type Count, countedStatus, countPods } from "./count-pods.ts";
import type { IndexFailures } from "./failed-indexes.ts";
import { failureVerdict } from "./failure-policy.ts";
import { isTracked, type JobCondition, type JobStatus } from "./job-types.ts";
import { isOver, type Outcome, outcomeOf } from "./plan-outcome.ts";
import { type PodPlan, planPods } from "./plan-pods.ts";

export interface JobPlan {
  /** Written first, if it differs: what follows relies on it. */
  readonly status: JobStatus;
  /** Their finalizer goes; they are counted, or count for nothing. */
  readonly untrack: readonly Pod[];
  /** Deleted, and counted as failed by that. */
  readonly remove: readonly Pod[];
  /** Let go uncounted and deleted: too many, or the Job is suspended. */
  readonly drop: readonly Pod[];
  readonly create: number;
  readonly indexes: readonly number[];
  /** With backoffLimitPerIndex, of each index to run: how often it failed. */
  readonly failures: ReadonlyMap<number, IndexFailures>;
  readonly waitMs: number | undefined;
  readonly events: readonly JobEvent[];
}
export interface JobEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** What to do next for a Job. `settled`: the cache shows every pod created and deleted before. Pure. */
export function planJob(
  job: Job,
  pods: readonly Pod[],
  observed: { readonly settled: boolean; readonly nowMs: number },
): JobPlan {
  const { nowMs } = observed;
  if (isOver(job) || isBeingDeleted(job))
    return { ...idle(job.status ?? {}), untrack: pods.filter(isTracked) };
  let count = countPods(job, pods);
  const noted = count.uncounted;
  const held = [...count.held.values()].filter((pod) => failureVerdict(job, pod).counts);
  const numbers = {
    succeeded: count.succeeded + (noted.succeeded?.length ?? 0),
    failed: count.failed + (noted.failed?.length ?? 0) + held.length,
    completedIndexes: count.completedIndexes,
    failedIndexes: count.failedIndexes,
    nowMs,
  };
  const outcome = outcomeOf(job, pods, numbers);
  if (outcome !== undefined) count = countPods(job, pods, { ending: true });
  const started = startedStatus(job, { ...countedStatus(job, count), ...presence(pods) }, nowMs);
  if (outcome !== undefined) return planEnd(pods, { count, outcome, status: started.status, nowMs });
  const { status, events } = started;
  if (job.spec.suspend === true)
    return { ...idle(status), untrack: count.untrack, drop: pods.filter(isActive), events };
  const plan: PodPlan = observed.settled
    ? planPods(job, pods, { ...count, succeeded: numbers.succeeded }, nowMs)
    : { create: 0, indexes: [], failures: new Map(), remove: [], waitMs: undefined };
  const { remove, ...made } = plan;
  return { ...idle(status), ...made, untrack: count.untrack, drop: remove, events };
}

function idle(status: JobStatus): JobPlan {
  const nothing = { create: 0, indexes: [], failures: new Map<number, IndexFailures>(), waitMs: undefined };
  return { ...nothing, status, untrack: [], remove: [], drop: [], events: [] };
}

function presence(pods: readonly Pod[]): JobStatus {
  const active = pods.filter(isActive);
  const terminating = pods.filter((pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod));
  return {
    ...(active.length > 0 && { active: active.length }),
    ready: active.filter(isReady).length,
    terminating: terminating.length,
  };
}

/** Start time and the condition Suspended. A Job that is resumed starts anew. */
function startedStatus(
  job: Job,
  counted: JobStatus,
  nowMs: number,
): { readonly status: JobStatus; readonly events: readonly JobEvent[] } {
  const conditions = job.status?.conditions;
  const base: JobStatus = {
    ...counted,
    ...(conditions !== undefined && { conditions }),
    ...(job.status?.startTime !== undefined && { startTime: job.status.startTime }),
  };
  const shown = conditionOf(conditions, "Suspended")?.status;
  if (job.spec.suspend === true) {
    if (shown === "True") return { status: base, events: [] };
    const { startTime: _, ...stopped } = base;
    const said = say("Suspended", "True", "JobSuspended", "Job suspended", nowMs);
    return {
      status: { ...stopped, conditions: withCondition(conditions, said) },
      events: [normal("Suspended", "Job suspended")],
    };
  }
  const running = {
    ...base,
    startTime: shown === "True" ? timeText(nowMs) : (base.startTime ?? timeText(nowMs)),
  };
  if (shown !== "True") return { status: running, events: [] };
  const said = say("Suspended", "False", "JobResumed", "Job resumed", nowMs);
  return {
    status: { ...running, conditions: withCondition(conditions, said) },
    events: [normal("Resumed", "Job resumed")],
  };
}

/** The end is sure: it is announced, what runs is stopped, and when all is counted it is final. */
function planEnd(
  pods: readonly Pod[],
  end: {
    readonly count: Count;
    readonly outcome: Outcome;
    readonly status: JobStatus;
    readonly nowMs: number;
  },
): JobPlan {
  const { count, outcome, nowMs } = end;
  const { final, reason, message } = outcome;
  const announcement = final === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
  let conditions: JobCondition[] = end.status.conditions ?? [];
  if (!isTrue(conditions, announcement))
    conditions = withCondition(conditions, say(announcement, "True", reason, message, nowMs));
  const open = (count.uncounted.succeeded?.length ?? 0) + (count.uncounted.failed?.length ?? 0);
  const running = pods.filter((pod) => !isFinished(pod));
  if (open > 0 || running.length > 0) {
    const active = pods.filter(isActive);
    // A complete Job's surplus pods did not fail; a failed one's count as such.
    const stop = final === "Complete" ? { drop: active } : { remove: active };
    return { ...idle({ ...end.status, conditions }), untrack: count.untrack, ...stop };
  }
  conditions = withCondition(conditions, say(final, "True", reason, message, nowMs));
  const status: JobStatus = {
    ...end.status,
    conditions,
    ...(final === "Complete" && { completionTime: timeText(nowMs) }),
  };
  const event: JobEvent =
    final === "Complete" ? normal("Completed", "Job completed") : { type: "Warning", reason, message };
  return { ...idle(status), untrack: pods.filter(isTracked), events: [event] };
}

function say(type: string, status: string, reason: string, message: string, nowMs: number): JobCondition {
  const now = timeText(nowMs);
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
}

function normal(reason: string, message: string): JobEvent {
  return { type: "Normal", reason, message };
}
