import { isAlreadyExists, isNotFound } from "../../../client/api-error.ts";
import type { Informer } from "../../../client/informer.ts";
import { keyOf } from "../../../client/object-cache.ts";
import { resources } from "../../../client/resources.ts";
import { readCronSchedule } from "../../../client/rules/cron-schedule.ts";
import { isTimeZone, ZoneClock } from "../../../client/rules/time-zone.ts";
import type { CronJob, Job, ObjectReference } from "../../../client/types.ts";
import { isNamespaceTerminating } from "../claim-shell.ts";
import type { Controller, ControllerContext } from "../controller.ts";
import { enqueueOwners } from "../owner-events.ts";
import { isBeingDeleted, isControlledBy } from "../owners.ts";
import { canonicalJson } from "../template-hash.ts";
import { timeText } from "../times.ts";
import { nextDueInMs, type Timetable } from "./due.ts";
import {
  type CronEvent,
  type CronStatus,
  endOf,
  isRecorded,
  planRun,
  referenceTo,
  reviewJobs,
  scheduledJob,
  statusWith,
  surplusJobs,
} from "./plan-cron-job.ts";

/** A timer waits no longer; what it finds then is just not due yet. */
const waitMaxMs = 24 * 60 * 60 * 1000;

export const cronJobController: Controller = {
  name: "cronjob-controller",
  workers: 2,
  setUp(context, queue) {
    const cronJobs = context.informers.informer(resources.cronjobs);
    const jobs = context.informers.informer(resources.jobs);
    const add = (cronJob: CronJob) => queue.add(keyOf(cronJob));
    cronJobs.subscribe({
      onAdd: add,
      onDelete: add,
      onUpdate: (next, previous) => {
        // A new schedule counts from now on: what it would have made before is not made up for.
        const inMs = isRescheduled(next, previous) ? waitMs(next, context.clock.wallMs()) : undefined;
        if (inMs === undefined) add(next);
        else queue.addAfter(keyOf(next), inMs);
      },
    });
    enqueueOwners(queue, jobs, { owners: cronJobs, kind: "CronJob", group: "batch" });
    const parts = { context, jobs };
    return async (key) => {
      const cronJob = cronJobs.getByKey(key);
      return cronJob === undefined ? undefined : sync(parts, cronJob);
    };
  },
};

const isRescheduled = ({ spec }: CronJob, { spec: before }: CronJob) =>
  spec.schedule !== before.schedule || spec.timeZone !== before.timeZone;

function waitMs(cronJob: CronJob, nowMs: number): number | undefined {
  const timetable = timetableOf(cronJob.spec);
  const inMs = timetable === undefined ? undefined : nextDueInMs(cronJob, timetable, nowMs);
  return inMs === undefined ? undefined : Math.min(inMs, waitMaxMs);
}

/** Undefined for what is no schedule. */
function timetableOf({ schedule: text, timeZone }: CronJob["spec"]): Timetable | undefined {
  if (timeZone !== undefined && !isTimeZone(timeZone)) return undefined;
  const read = readCronSchedule(text);
  return read.ok ? { schedule: read.schedule, clock: new ZoneClock(timeZone) } : undefined;
}

interface Parts {
  readonly context: ControllerContext;
  readonly jobs: Informer<Job>;
}

async function sync(parts: Parts, cached: CronJob) {
  const { context, jobs } = parts;
  const { client, clock } = context;
  const own = jobs.byOwner(cached.metadata.uid).filter((job) => isControlledBy(job, cached));
  const cronJob = await notBehind(client, cached, own);
  if (cronJob === undefined) return undefined;
  const review = reviewJobs(cronJob, own);
  tell(context, cronJob, review.events);
  for (const job of surplusJobs(cronJob, own))
    if (!isBeingDeleted(job)) await deleteJob(context, cronJob, job.metadata);
  let status = await withoutMissing(context, cronJob, review);
  try {
    if (isBeingDeleted(cronJob)) return undefined;
    const started = await runIfDue(context, { ...cronJob, status }, clock.wallMs());
    status = started.status;
    return started.requeueAfterMs === undefined ? undefined : { requeueAfterMs: started.requeueAfterMs };
  } finally {
    if (canonicalJson(status) !== canonicalJson(cronJob.status ?? {}))
      await client.updateStatus(resources.cronjobs, { ...cronJob, status });
  }
}

/** The cache may show a job before the status that lists it: then the cron job is read anew. */
async function notBehind(
  client: ControllerContext["client"],
  cronJob: CronJob,
  jobs: readonly Job[],
): Promise<CronJob | undefined> {
  const active = new Set((cronJob.status?.active ?? []).map(({ uid }) => uid));
  const isKnown = (job: Job) =>
    active.has(job.metadata.uid) || (endOf(job) !== undefined && isRecorded(cronJob, job));
  if (jobs.every(isKnown)) return cronJob;
  try {
    const live = await client.get(resources.cronjobs, cronJob.metadata);
    return live.metadata.uid === cronJob.metadata.uid ? live : undefined;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function tell({ recorder }: ControllerContext, cronJob: CronJob, events: readonly CronEvent[]): void {
  for (const event of events) recorder.record(cronJob, event);
}

async function deleteJob(
  context: ControllerContext,
  cronJob: CronJob,
  { name = "", namespace = "", uid }: { name?: string; namespace?: string; uid?: string },
): Promise<boolean> {
  try {
    await context.client.delete(
      resources.jobs,
      { name, namespace },
      { propagationPolicy: "Background", ...(uid !== undefined && { preconditions: { uid } }) },
    );
  } catch (error) {
    if (!isNotFound(error)) {
      const message = `Deleted job: ${messageOf(error)}`;
      tell(context, cronJob, [{ type: "Warning", reason: "FailedDelete", message }]);
      return false;
    }
  }
  tell(context, cronJob, [{ type: "Normal", reason: "SuccessfulDelete", message: `Deleted job ${name}` }]);
  return true;
}

/** Takes out of the status what the API does not know any more, for the cache may just lag. */
async function withoutMissing(
  context: ControllerContext,
  cronJob: CronJob,
  { status, missing }: { readonly status: CronStatus; readonly missing: readonly ObjectReference[] },
): Promise<CronStatus> {
  const gone = new Set<string | undefined>();
  for (const { name = "", namespace = "", uid } of missing) {
    try {
      const found = await context.client.get(resources.jobs, { name, namespace });
      if (found.metadata.uid === uid) continue;
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    gone.add(uid);
    const message = `Active job went missing: ${name}`;
    tell(context, cronJob, [{ type: "Normal", reason: "MissingJob", message }]);
  }
  if (gone.size === 0) return status;
  return statusWith({ status }, { active: (status.active ?? []).filter(({ uid }) => !gone.has(uid)) });
}

interface Started {
  readonly status: CronStatus;
  readonly requeueAfterMs?: number | undefined;
}

async function runIfDue(context: ControllerContext, cronJob: CronJob, nowMs: number): Promise<Started> {
  const { spec } = cronJob;
  const status = cronJob.status ?? {};
  const warn = (reason: string, message: string): Started => {
    tell(context, cronJob, [{ type: "Warning", reason, message }]);
    return { status };
  };
  if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone)) {
    const why = `unknown time zone ${spec.timeZone}`;
    return warn("UnknownTimeZone", `invalid timeZone: ${JSON.stringify(spec.timeZone)}: ${why}`);
  }
  if (spec.suspend === true) return { status };
  const read = readCronSchedule(spec.schedule);
  if (!read.ok) {
    const shown = JSON.stringify(spec.schedule);
    return warn("UnparseableSchedule", `unparseable schedule: ${shown} : ${read.problem}`);
  }
  const timetable = { schedule: read.schedule, clock: new ZoneClock(spec.timeZone) };
  const plan = planRun(cronJob, timetable, nowMs);
  tell(context, cronJob, plan.events);
  if (plan.never) return { status };
  const requeueAfterMs = waitMs(cronJob, nowMs);
  if (plan.dueMs === undefined) return { status, requeueAfterMs };
  for (const one of plan.replaces)
    if (!(await deleteJob(context, cronJob, one)))
      throw new Error(`could not replace job ${one.namespace}/${one.name}`);
  const left = (status.active ?? []).filter((one) => !plan.replaces.includes(one));
  // In UTC unless the cron job says where.
  const offsetMs = spec.timeZone === undefined ? 0 : timetable.clock.offsetMs(plan.dueMs);
  const job = await startJob(context, cronJob, { dueMs: plan.dueMs, offsetMs });
  if (job === undefined) return { status: statusWith({ status }, { active: left }), requeueAfterMs };
  const lastScheduleTime = timeText(plan.dueMs);
  return {
    status: statusWith({ status }, { active: [...left, referenceTo(job)], lastScheduleTime }),
    requeueAfterMs,
  };
}

/** Undefined where the name is somebody else's, or the namespace is being deleted. */
async function startJob(
  context: ControllerContext,
  cronJob: CronJob,
  { dueMs, offsetMs }: { readonly dueMs: number; readonly offsetMs: number },
): Promise<Job | undefined> {
  const draft = scheduledJob(cronJob, dueMs, offsetMs);
  const { name = "", namespace } = draft.metadata;
  try {
    const job = await context.client.create(resources.jobs, draft);
    tell(context, cronJob, [{ type: "Normal", reason: "SuccessfulCreate", message: `Created job ${name}` }]);
    return job;
  } catch (error) {
    if (isNamespaceTerminating(error)) return undefined;
    if (!isAlreadyExists(error)) {
      const message = `Error creating job: ${messageOf(error)}`;
      tell(context, cronJob, [{ type: "Warning", reason: "FailedCreate", message }]);
      throw error;
    }
  }
  // Made before a sync that was cut off.
  const found = await context.client.get(resources.jobs, { name, namespace });
  return isControlledBy(found, cronJob) ? found : undefined;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
