import type { Job, Pod } from "../../../client/types.ts";
import { isActive } from "../pod-state.ts";
import { failureVerdict } from "./failure-policy.ts";
import { parseIndexes } from "./indexes.ts";
import { indexOf, isTracked } from "./job-types.ts";
import { finishedMs, hasFailed } from "./pod-end.ts";

/** Back-off per index (backoffLimitPerIndex): every pod of an index carries how many came before it and failed. */
export const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
export const ignoredCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

export interface IndexFailures {
  /** Towards the limit. */
  readonly counted: number;
  /** By a rule that ignores them. */
  readonly ignored: number;
}

export const hasLimitPerIndex = ({ spec }: Job): boolean => spec.backoffLimitPerIndex !== undefined;

/** How many pods of its index failed before this one, by its annotations; nonsense there counts as none. */
export function failuresBefore({ metadata }: Pod): IndexFailures {
  return {
    counted: count(metadata.annotations?.[failureCountAnnotation]),
    ignored: count(metadata.annotations?.[ignoredCountAnnotation]),
  };
}

function count(text: string | undefined): number {
  const value = text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0;
  return value <= 2 ** 31 - 1 ? value : 0;
}

/** What the pod that follows a failed one carries. */
export function failuresAfter(job: Job, failed: Pod | undefined): IndexFailures {
  if (failed === undefined) return { counted: 0, ignored: 0 };
  const { counted, ignored } = failuresBefore(failed);
  return failureVerdict(job, failed).counts
    ? { counted: counted + 1, ignored }
    : { counted, ignored: ignored + 1 };
}

/** Indexes that failed for good: those of the status and those whose pod failed beyond the limit, or by a rule. */
export function failedIndexes(job: Job, pods: readonly Pod[]): ReadonlySet<number> {
  const { backoffLimitPerIndex: limit, completions = 0 } = job.spec;
  const failed = parseIndexes(job.status?.failedIndexes, completions);
  if (limit === undefined) return failed;
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= completions || !isTracked(pod) || !hasFailed(job, pod)) continue;
    const { action, counts } = failureVerdict(job, pod);
    if (action === "FailIndex" || (counts && failuresBefore(pod).counted >= limit)) failed.add(index);
  }
  return failed;
}

/** Per index that is to run again its last failed pod: it is held (neither counted nor let go) until its successor is
 *  there, so that the number of failures is not forgotten. */
export function heldPods(
  job: Job,
  pods: readonly Pod[],
  over: { readonly completed: ReadonlySet<number>; readonly failed: ReadonlySet<number> },
): ReadonlyMap<number, Pod> {
  const held = new Map<number, Pod>();
  if (!hasLimitPerIndex(job)) return held;
  const active = new Set(pods.filter(isActive).map(indexOf));
  for (const pod of pods) {
    const index = indexOf(pod);
    if (index === undefined || index >= (job.spec.completions ?? 0)) continue;
    if (!isTracked(pod) || !hasFailed(job, pod)) continue;
    if (active.has(index) || over.completed.has(index) || over.failed.has(index)) continue;
    const known = held.get(index);
    if (known === undefined || isLater(pod, known)) held.set(index, pod);
  }
  return held;
}

function isLater(pod: Pod, other: Pod): boolean {
  const total = (one: Pod) => failuresBefore(one).counted + failuresBefore(one).ignored;
  return total(pod) >= total(other) && finishedMs(pod) >= finishedMs(other);
}
