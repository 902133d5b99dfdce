import type { Job, Pod } from "../../../client/types.ts";
import { failedIndexes, hasLimitPerIndex, heldPods } from "./failed-indexes.ts";
import { failureVerdict } from "./failure-policy.ts";
import { indexesText, parseIndexes } from "./indexes.ts";
import { indexOf, isIndexed, isTracked, type JobStatus } from "./job-types.ts";
import { hasFailed, hasSucceeded } from "./pod-end.ts";

/** Where counting stands. Pure. */
export interface Count {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  /** Indexes that are not run again (backoffLimitPerIndex). */
  readonly failedIndexes: ReadonlySet<number>;
  /** By index: failed pods that wait for their successors before they are counted. */
  readonly held: ReadonlyMap<number, Pod>;
  /** Finished pods whose finalizer still has to go, by uid; to be written before any goes. */
  readonly uncounted: NonNullable<JobStatus["uncountedTerminatedPods"]>;
  /** Finished pods that count already and whose finalizer may go now: their uids stand in the stored status. */
  readonly untrack: readonly Pod[];
}

/** Takes the next step of counting: stored uids whose pods lost their finalizer go into the counters, pods finished
 *  since are noted. `ending`: the Job is about to end, so that no failed pod gets a successor to wait for. */
export function countPods(
  job: Job,
  pods: readonly Pod[],
  { ending }: { readonly ending: boolean } = { ending: false },
): Count {
  const status = job.status ?? {};
  const stored = status.uncountedTerminatedPods ?? {};
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid, pod]));
  const wanted = job.spec.completions ?? 0;
  const indexes = parseIndexes(status.completedIndexes, wanted);
  const done = (list: readonly string[] = []) => list.filter((uid) => !tracked.has(uid));
  const left = (list: readonly string[] = []) => list.filter((uid) => tracked.has(uid));
  const noted = new Set([...(stored.succeeded ?? []), ...(stored.failed ?? [])]);
  const fresh = [...tracked.values()].filter((pod) => !noted.has(pod.metadata.uid));
  const succeeded = fresh.filter(hasSucceeded);
  if (isIndexed(job))
    for (const pod of pods.filter(hasSucceeded)) {
      const index = indexOf(pod);
      if (index !== undefined && index < wanted) indexes.add(index);
    }
  const failedOnes = isIndexed(job) ? failedIndexes(job, pods) : new Set<number>();
  const waiting = heldPods(job, pods, { completed: indexes, failed: failedOnes });
  const held = ending ? new Map<number, Pod>() : waiting;
  const isHeld = new Set([...held.values()].map(({ metadata }) => metadata.uid));
  const ended = fresh.filter((pod) => hasFailed(job, pod) && !isHeld.has(pod.metadata.uid));
  // What a rule ignores, or has no index, counts nowhere and is let go at once.
  const counts = (pod: Pod) => failureVerdict(job, pod).counts && (!isIndexed(job) || hasIndex(job, pod));
  const failed = ended.filter(counts);
  const ignored = ended.filter((pod) => !counts(pod));
  const uids = (list: readonly Pod[]) => list.map(({ metadata }) => metadata.uid);
  return {
    succeeded: isIndexed(job) ? indexes.size : (status.succeeded ?? 0) + done(stored.succeeded).length,
    failed: (status.failed ?? 0) + done(stored.failed).length,
    completedIndexes: indexes,
    failedIndexes: failedOnes,
    held,
    uncounted: {
      // An index counts once however many pods finish it, and is in the status before any finalizer goes.
      succeeded: isIndexed(job) ? [] : [...left(stored.succeeded), ...uids(succeeded)],
      failed: [...left(stored.failed), ...uids(failed)],
    },
    untrack: [
      ...ignored,
      ...[...tracked.values()].filter(
        (pod) =>
          noted.has(pod.metadata.uid) || (isIndexed(job) && hasSucceeded(pod) && isStored(status, pod)),
      ),
    ],
  };
}

function hasIndex({ spec }: Job, pod: Pod): boolean {
  const index = indexOf(pod);
  return index !== undefined && index < (spec.completions ?? 0);
}

function isStored(status: JobStatus, pod: Pod): boolean {
  const index = indexOf(pod);
  return index === undefined || parseIndexes(status.completedIndexes).has(index);
}

/** The counters as they stand in a status. */
export function countedStatus(job: Job, count: Count): JobStatus {
  const { succeeded = [], failed = [] } = count.uncounted;
  const indexes = indexesText(count.completedIndexes);
  return {
    ...(count.succeeded > 0 && { succeeded: count.succeeded }),
    ...(count.failed > 0 && { failed: count.failed }),
    ...(isIndexed(job) && { completedIndexes: indexes }),
    ...(hasLimitPerIndex(job) && { failedIndexes: indexesText(count.failedIndexes) }),
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 && { succeeded }),
      ...(failed.length > 0 && { failed }),
    },
  };
}
