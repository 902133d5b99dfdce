import type { Job, Pod } from "../../../client/types.ts";
import { rankForDeletion } from "../deletion-rank.ts";
import { isActive, isFinished } from "../pod-state.ts";
import { timeMs } from "../times.ts";
import { hasFailed, hasSucceeded } from "./count-pods.ts";
import { indexOf, isIndexed } from "./job-types.ts";

export interface PodPlan {
  /** How many to create; for an Indexed Job the indexes to run. */
  readonly create: number;
  readonly indexes: readonly number[];
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
  done: { readonly succeeded: number; readonly completedIndexes: ReadonlySet<number> },
  nowMs: number,
): PodPlan {
  const active = pods.filter(isActive);
  const { doubled, busy } = splitIndexes(job, active, done.completedIndexes);
  const kept = active.filter((pod) => !doubled.includes(pod));
  const going = job.spec.podReplacementPolicy === "Failed" ? pods.filter(isGoing).length : 0;
  const wanted = wantedActive(job, kept.length, done.succeeded);
  const surplus = rankForDeletion(kept, nowMs).slice(0, Math.max(0, kept.length - wanted));
  const missing = Math.max(0, wanted - kept.length - going);
  const waitMs = backoffLeftMs(job, pods, nowMs);
  const held = missing > 0 && waitMs > 0;
  const create = held ? 0 : Math.min(missing, jobBurst);
  const indexes = isIndexed(job)
    ? freeIndexes(job, create, new Set([...busy, ...done.completedIndexes]))
    : [];
  return {
    create: isIndexed(job) ? indexes.length : create,
    indexes,
    remove: [...doubled, ...surplus],
    waitMs: held ? waitMs : undefined,
  };
}

const isGoing = (pod: Pod) => pod.metadata.deletionTimestamp !== undefined && !isFinished(pod);

/** A work queue (no completions) starts no more once one succeeded. */
function wantedActive({ spec }: Job, active: number, succeeded: number): number {
  const parallelism = spec.parallelism ?? 1;
  if (spec.completions === undefined) return succeeded > 0 ? Math.min(active, parallelism) : parallelism;
  return Math.min(parallelism, Math.max(0, spec.completions - succeeded));
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

function freeIndexes(job: Job, count: number, taken: ReadonlySet<number>): readonly number[] {
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
  const delayMs = Math.min(backoffMostMs, backoffFirstMs * 2 ** Math.min(20, failures.length - 1));
  return Math.max(0, Math.max(...failures) + delayMs - nowMs);
}

/** When the last container ended; for a pod that never ran, when that was known. */
export function finishedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    timeMs(state?.terminated?.finishedAt),
  );
  const last = Math.max(0, ...ends);
  if (last > 0) return last;
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return timeMs(
    pod.metadata.deletionTimestamp ?? ready?.lastTransitionTime ?? pod.metadata.creationTimestamp,
  );
}
