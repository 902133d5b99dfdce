import type { Job, Pod } from "../../../client/types.ts";
import { rankForDeletion } from "../deletion-rank.ts";
import { isActive, isFinished } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import type { Count } from "./count-pods.ts";
import { failuresAfter, hasLimitPerIndex, type IndexFailures } from "./failed-indexes.ts";
import { indexOf, isIndexed } from "./job-types.ts";
import { finishedMs, hasFailed, hasSucceeded } from "./pod-end.ts";

export interface PodPlan {
  /** How many to create; for an Indexed Job the indexes to run. */
  readonly create: number;
  readonly indexes: readonly number[];
  /** With backoffLimitPerIndex, of each index to run: how often it failed. */
  readonly failures: ReadonlyMap<number, IndexFailures>;
  readonly remove: readonly Pod[];
  /** Failures hold creation back for so long. */
  readonly waitMs: number | undefined;
}

export const jobBurst = 500;
const backoffFirstMs = 10_000;
const backoffMostMs = 600_000;

/** Which pods a running Job gets and loses. `succeeded`: counted or noted so far. Pure. */
export function planPods(
  job: Job,
  pods: readonly Pod[],
  done: Pick<Count, "succeeded" | "completedIndexes" | "failedIndexes" | "held">,
  nowMs: number,
): PodPlan {
  const active = pods.filter(isActive);
  const { doubled, busy } = splitIndexes(job, active, done.completedIndexes);
  const kept = active.filter((pod) => !doubled.includes(pod));
  // Where only what has failed is replaced, what is on its way out keeps its place and its index.
  const going = job.spec.podReplacementPolicy === "Failed" ? pods.filter(isGoing) : [];
  const wanted = wantedActive(job, kept.length, done.succeeded + done.failedIndexes.size);
  const surplus = rankForDeletion(kept, nowMs).slice(0, Math.max(0, kept.length - wanted));
  const missing = Math.max(0, wanted - kept.length - going.length);
  const remove = [...doubled, ...surplus];
  const most = Math.min(missing, jobBurst);
  const taken = new Set([...busy, ...done.completedIndexes, ...done.failedIndexes, ...going.map(indexOf)]);
  const free = isIndexed(job) ? freeIndexes(job, most, taken) : [];
  if (hasLimitPerIndex(job)) return { ...planIndexes(job, free, done.held, nowMs), remove };
  const waitMs = most > 0 ? backoffLeftMs(job, pods, nowMs) : 0;
  const held = waitMs > 0;
  const indexes = held ? [] : free;
  const create = isIndexed(job) ? indexes.length : held ? 0 : most;
  return { create, indexes, failures: new Map(), remove, waitMs: held ? waitMs : undefined };
}

/** Each index backs off for itself, by its own failures. */
function planIndexes(
  job: Job,
  free: readonly number[],
  held: ReadonlyMap<number, Pod>,
  nowMs: number,
): Omit<PodPlan, "remove"> {
  const failures = new Map<number, IndexFailures>();
  const waits: number[] = [];
  for (const index of free) {
    const failed = held.get(index);
    const after = failuresAfter(job, failed);
    const sinceMs = failed === undefined ? 0 : finishedMs(failed);
    const waitMs = Math.max(0, sinceMs + backoffMs(after.counted + after.ignored) - nowMs);
    if (failed !== undefined && waitMs > 0) waits.push(waitMs);
    else failures.set(index, after);
  }
  const indexes = [...failures.keys()];
  const waitMs = waits.length === 0 ? undefined : Math.min(...waits);
  return { create: indexes.length, indexes, failures, waitMs };
}

const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);

/** A work queue (no completions) starts no more once one succeeded. `over`: completions that need no more pods. */
function wantedActive({ spec }: Job, active: number, over: number): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return over > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.min(parallelism, Math.max(0, spec.completions - over));
}

/** Active pods of an index that is done, out of range, or run by an older pod are too many. */
function splitIndexes(job: Job, active: readonly Pod[], completed: ReadonlySet<number>) {
  const busy = new Set<number>();
  const doubled: Pod[] = [];
  if (!isIndexed(job)) return { doubled, busy };
  const byAge = [...active].sort(
    (a, b) => timeMs(a.metadata.creationTimestamp) - timeMs(b.metadata.creationTimestamp),
  );
  for (const pod of byAge) {
    const index = indexOf(pod);
    const useless =
      index === undefined || busy.has(index) || completed.has(index) || index >= (job.spec.completions ?? 0);
    if (useless) doubled.push(pod);
    else busy.add(index);
  }
  return { doubled, busy };
}

function freeIndexes(job: Job, count: number, taken: ReadonlySet<number | undefined>): readonly number[] {
  const free: number[] = [];
  for (let index = 0; index < (job.spec.completions ?? 0) && free.length < count; index++)
    if (!taken.has(index)) free.push(index);
  return free;
}

/** After n failures since the last success nothing is created for 10 s, doubling to 10 min, from the last one on.
 *  Read off the pods, so that a restart does not forget it. */
function backoffLeftMs(job: Job, pods: readonly Pod[], nowMs: number): number {
  const lastSuccessMs = Math.max(0, ...pods.filter(hasSucceeded).map(finishedMs));
  const failures = pods
    .filter((pod) => hasFailed(job, pod))
    .map(finishedMs)
    .filter((atMs) => atMs > lastSuccessMs);
  if (failures.length === 0) return 0;
  return Math.max(0, Math.max(...failures) + backoffMs(failures.length) - nowMs);
}

const backoffMs = (failures: number): number =>
  Math.min(backoffMostMs, backoffFirstMs * 2 ** Math.min(20, Math.max(0, failures - 1)));
