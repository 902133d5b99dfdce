import type { CronJob, Draft, Job, ObjectReference } from "../../../client/types.ts";
import { controllerReference } from "../owners.ts";
import { timeMs, timeText } from "../times.ts";
import { lastDue, type Timetable } from "./due.ts";

export type CronStatus = NonNullable<CronJob["status"]>;

export interface CronEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Of a job: the time that it was made for. */
const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

export type JobEnd = "Complete" | "Failed";

export function endOf({ status }: Job): JobEnd | undefined {
  const has = (wanted: JobEnd) =>
    status?.conditions?.some(({ type, status: value }) => type === wanted && value === "True") === true;
  return has("Complete") ? "Complete" : has("Failed") ? "Failed" : undefined;
}

/** The time that the controller made a job for; 0 for a job that was made by hand, which the cron job only owns. */
const scheduledMs = ({ metadata }: Job): number => timeMs(metadata.annotations?.[scheduledAnnotation]);

/** Whether the status says that the job's time had its job. A sync that was cut off may not have written so. */
export const isRecorded = ({ status }: CronJob, job: Job): boolean =>
  scheduledMs(job) <= timeMs(status?.lastScheduleTime);

/** The jobs beyond what the history keeps of each sort, the oldest first, but for those that are not recorded: once they were gone,
 *  nothing would say that their time had its job. Pure. */
export function surplusJobs(cronJob: CronJob, jobs: readonly Job[]): readonly Job[] {
  const { spec } = cronJob;
  const surplus = (end: JobEnd, most: number | undefined) => {
    const ended = jobs.filter((job) => endOf(job) === end).sort(byStart);
    return most === undefined ? [] : ended.slice(0, Math.max(0, ended.length - most));
  };
  return [
    ...surplus("Complete", spec.successfulJobsHistoryLimit),
    ...surplus("Failed", spec.failedJobsHistoryLimit),
  ].filter((job) => isRecorded(cronJob, job));
}

/** Those that never started come last. */
function byStart(a: Job, b: Job): number {
  const startMs = ({ status }: Job) =>
    status?.startTime === undefined ? Number.MAX_SAFE_INTEGER : timeMs(status.startTime);
  return startMs(a) - startMs(b) || (a.metadata.name < b.metadata.name ? -1 : 1);
}

export function referenceTo({ metadata }: Job): ObjectReference {
  const { name, namespace = "", uid, resourceVersion } = metadata;
  return { kind: "Job", namespace, name, uid, apiVersion: "batch/v1", resourceVersion };
}

export interface JobsReview {
  readonly status: CronStatus;
  readonly events: readonly CronEvent[];
  /** Active by the status, and not among the jobs. */
  readonly missing: readonly ObjectReference[];
}

/** What the jobs say of the cron job: which are active, which time had its job last, and when one succeeded last. Pure. */
export function reviewJobs(cronJob: CronJob, jobs: readonly Job[]): JobsReview {
  const events: CronEvent[] = [];
  let active = cronJob.status?.active ?? [];
  let { lastScheduleTime, lastSuccessfulTime } = cronJob.status ?? {};
  for (const job of jobs) {
    const { name, uid } = job.metadata;
    const isListed = active.some((one) => one.uid === uid);
    const end = endOf(job);
    if (scheduledMs(job) > timeMs(lastScheduleTime)) lastScheduleTime = timeText(scheduledMs(job));
    if (end === undefined) {
      // Made for a time, by a sync that was cut off before it could write so.
      if (!isListed && scheduledMs(job) > 0) active = [...active, referenceTo(job)];
      else if (!isListed) {
        const message = `Saw a job that the controller did not create or forgot: ${name}`;
        events.push({ type: "Warning", reason: "UnexpectedJob", message });
      }
      continue;
    }
    if (isListed) {
      active = active.filter((one) => one.uid !== uid);
      const message = `Saw completed job: ${name}, condition: ${end}`;
      events.push({ type: "Normal", reason: "SawCompletedJob", message });
    }
    const doneAt = end === "Complete" ? job.status?.completionTime : undefined;
    if (doneAt !== undefined && !(timeMs(lastSuccessfulTime) >= timeMs(doneAt))) lastSuccessfulTime = doneAt;
  }
  const known = new Set(jobs.map(({ metadata }) => metadata.uid));
  const missing = active.filter(({ uid = "" }) => !known.has(uid));
  return { status: statusWith(cronJob, { active, lastScheduleTime, lastSuccessfulTime }), events, missing };
}

export function statusWith(
  { status = {} }: Pick<CronJob, "status">,
  change: {
    readonly active?: readonly ObjectReference[];
    readonly lastSuccessfulTime?: string | undefined;
    readonly lastScheduleTime?: string | undefined;
  },
): CronStatus {
  const { active = [], lastSuccessfulTime, lastScheduleTime } = { ...status, ...change };
  return {
    ...(active.length > 0 && { active: [...active] }),
    ...(lastScheduleTime !== undefined && { lastScheduleTime }),
    ...(lastSuccessfulTime !== undefined && { lastSuccessfulTime }),
  };
}

/** What is to be done about the time: nothing, or a job for a time, in place of others where they must not overlap. */
export interface RunPlan {
  readonly events: readonly CronEvent[];
  readonly dueMs?: number;
  readonly replaces: readonly ObjectReference[];
  /** Nothing will ever come of it. */
  readonly never?: true;
}

/** @param cronJob With the status that its jobs led to. Pure. */
export function planRun(cronJob: CronJob, timetable: Timetable, nowMs: number): RunPlan {
  const { spec, status } = cronJob;
  const last = lastDue(cronJob, timetable, { nowMs, heedsDeadline: true });
  if (last === undefined) {
    const why = "time difference between two schedules is less than 1 second";
    const message = `invalid schedule: ${spec.schedule} : ${why}`;
    return { events: [{ type: "Warning", reason: "InvalidSchedule", message }], replaces: [], never: true };
  }
  const { dueMs } = last;
  if (dueMs === undefined) return { events: [], replaces: [] };
  const events: CronEvent[] = [];
  if (last.manyMissed) {
    const message =
      "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
    events.push({ type: "Warning", reason: "TooManyMissedTimes", message });
  }
  const { startingDeadlineSeconds: deadline } = spec;
  if (deadline !== undefined && dueMs + deadline * 1000 < nowMs) {
    const message = `Missed scheduled time to start a job: ${new Date(dueMs).toUTCString().replace("GMT", "+0000")}`;
    events.push({ type: "Warning", reason: "MissSchedule", message });
    return { events, replaces: [] };
  }
  const active = status?.active ?? [];
  const isDone =
    active.some(({ name }) => name === jobName(cronJob, dueMs)) || timeMs(status?.lastScheduleTime) === dueMs;
  if (isDone) return { events, replaces: [] };
  if (spec.concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    events.push({ type: "Normal", reason: "JobAlreadyActive", message });
    return { events, replaces: [] };
  }
  return { events, dueMs, replaces: spec.concurrencyPolicy === "Replace" ? active : [] };
}

const minuteMs = 60_000;

/** The same for the same time: a job is never made twice for it. */
export const jobName = ({ metadata }: CronJob, dueMs: number) =>
  `${metadata.name}-${Math.floor(dueMs / minuteMs)}`;

/** The job for one time. Pure. */
export function scheduledJob(cronJob: CronJob, dueMs: number, offsetMs: number): Draft<Job> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  return {
    metadata: {
      name: jobName(cronJob, dueMs),
      namespace: cronJob.metadata.namespace ?? "",
      ...(metadata?.labels !== undefined && { labels: metadata.labels }),
      annotations: {
        ...metadata?.annotations,
        [scheduledAnnotation]: localTimeText(dueMs, offsetMs),
      },
      ownerReferences: [controllerReference(cronJob)],
    },
    spec: spec as Job["spec"],
  };
}

/** RFC 3339 with the offset that clocks have there. */
function localTimeText(epochMs: number, offsetMs: number): string {
  if (offsetMs === 0) return timeText(epochMs);
  const minutes = Math.abs(offsetMs) / minuteMs;
  const two = (value: number) => String(Math.trunc(value)).padStart(2, "0");
  const offset = `${offsetMs < 0 ? "-" : "+"}${two(minutes / 60)}:${two(minutes % 60)}`;
  return timeText(epochMs + offsetMs).replace("Z", offset);
}
