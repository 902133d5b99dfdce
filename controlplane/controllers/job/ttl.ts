import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import type { Job } from "../../../client/types.ts";
import type { Controller } from "../controller.ts";
import { enqueueSelf } from "../owner-events.ts";
import { isBeingDeleted } from "../owners.ts";
import { timeMs } from "../times.ts";
import { isOver } from "./plan-outcome.ts";

/** Until a finished Job has outlived its ttlSecondsAfterFinished, from now; undefined when it has none. Pure. */
export function expiresInMs(job: Job, nowMs: number): number | undefined {
  const seconds = job.spec.ttlSecondsAfterFinished;
  if (seconds === undefined || !isOver(job) || isBeingDeleted(job)) return undefined;
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
  return Math.max(0, timeMs(end?.lastTransitionTime) + seconds * 1000 - nowMs);
}

export const ttlAfterFinishedController: Controller = {
  name: "ttl-after-finished-controller",
  workers: 1,
  setUp(context, queue) {
    const jobs = context.informers.informer(resources.jobs);
    enqueueSelf(queue, jobs);
    return async (key) => {
      const job = jobs.getByKey(key);
      const inMs = job === undefined ? undefined : expiresInMs(job, context.clock.wallMs());
      if (job === undefined || inMs === undefined) return undefined;
      if (inMs > 0) return { requeueAfterMs: inMs };
      const { uid, resourceVersion } = job.metadata;
      try {
        await context.client.delete(resources.jobs, job.metadata, {
          propagationPolicy: "Foreground",
          preconditions: { uid, resourceVersion },
        });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      return undefined;
    };
  },
};
