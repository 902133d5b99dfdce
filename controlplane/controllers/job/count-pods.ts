import type { Job, Pod } from "../../../client/types.ts";
import { indexesText, parseIndexes } from "./indexes.ts";
import { indexOf, isIndexed, isTracked, type JobStatus } from "./job-types.ts";

/** Where counting stands. Pure. */
export interface Count {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
  /** Finished pods whose finalizer still has to go, by uid; to be written before any goes. */
  readonly uncounted: NonNullable<JobStatus["uncountedTerminatedPods"]>;
  /** Finished pods that count already and whose finalizer may go now: their uids stand in the stored status. */
  readonly untrack: readonly Pod[];
}

/** Takes the next step of counting: stored uids whose pods lost their finalizer go into the counters, pods finished
 *  since are noted. `final`: the Job is over, so that what still runs or goes counts as failed. */
export function countPods(job: Job, pods: readonly Pod[]): Count {
  const status = job.status ?? {};
  const stored = status.uncountedTerminatedPods ?? {};
  const tracked = new Map(pods.filter(isTracked).map((pod) => [pod.metadata.uid, pod]));
  const indexes = parseIndexes(status.completedIndexes);
  const wanted = job.spec.completions ?? 0;
  const done = (list: readonly string[] = []) => list.filter((uid) => !tracked.has(uid));
  const left = (list: readonly string[] = []) => list.filter((uid) => tracked.has(uid));
  const noted = new Set([...(stored.succeeded ?? []), ...(stored.failed ?? [])]);
  const fresh = [...tracked.values()].filter((pod) => !noted.has(pod.metadata.uid));
  const succeeded = fresh.filter(hasSucceeded);
  const failed = fresh.filter((pod) => hasFailed(job, pod));
  if (isIndexed(job))
    for (const pod of pods.filter(hasSucceeded)) {
      const index = indexOf(pod);
      if (index !== undefined && index < wanted) indexes.add(index);
    }
  const uids = (list: readonly Pod[]) => list.map(({ metadata }) => metadata.uid);
  return {
    succeeded: isIndexed(job) ? indexes.size : (status.succeeded ?? 0) + done(stored.succeeded).length,
    failed: (status.failed ?? 0) + done(stored.failed).length,
    completedIndexes: indexes,
    uncounted: {
      // An index counts once however many pods finish it, and is in the status before any finalizer goes.
      succeeded: isIndexed(job) ? [] : [...left(stored.succeeded), ...uids(succeeded)],
      failed: [...left(stored.failed), ...uids(failed)],
    },
    untrack: [...tracked.values()].filter(
      (pod) => noted.has(pod.metadata.uid) || (isIndexed(job) && hasSucceeded(pod) && isStored(status, pod)),
    ),
  };
}

function isStored(status: JobStatus, pod: Pod): boolean {
  const index = indexOf(pod);
  return index === undefined || parseIndexes(status.completedIndexes).has(index);
}

export const hasSucceeded = ({ status }: Pod): boolean => status?.phase === "Succeeded";

/** A pod being deleted by others counts as failed at once, unless the Job waits for its end (podReplacementPolicy). */
export function hasFailed({ spec }: Job, pod: Pod): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (hasSucceeded(pod)) return false;
  return pod.metadata.deletionTimestamp !== undefined && spec.podReplacementPolicy !== "Failed";
}

/** The counters as they stand in a status. */
export function countedStatus(job: Job, count: Count): JobStatus {
  const { succeeded = [], failed = [] } = count.uncounted;
  const indexes = indexesText(count.completedIndexes);
  return {
    ...(count.succeeded > 0 && { succeeded: count.succeeded }),
    ...(count.failed > 0 && { failed: count.failed }),
    ...(isIndexed(job) && { completedIndexes: indexes }),
    uncountedTerminatedPods: {
      ...(succeeded.length > 0 && { succeeded }),
      ...(failed.length > 0 && { failed }),
    },
  };
}
