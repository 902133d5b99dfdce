import { resources } from "../../../client/resources.ts";
import { nextTimeMs } from "../../../client/rules/cron-next.ts";
import { type CronReading, readCronSchedule } from "../../../client/rules/cron-schedule.ts";
import { isTimeZone, ZoneClock } from "../../../client/rules/time-zone.ts";
import type { CronJob, Job } from "../../../client/types.ts";
import { timeMs } from "../times.ts";
import { labelFamilies } from "./label-families.ts";
import {
  alpha,
  count,
  created,
  createdHelp,
  flag,
  info,
  moment,
  one,
  ownerSeries,
  type Series,
  type StateKind,
  stable,
  statusSeries,
  versionSeries,
} from "./series.ts";

const failureReasons = ["BackoffLimitExceeded", "DeadlineExceeded", "Evicted"];

const conditionsOf = ({ status }: Job, type: string) =>
  (status?.conditions ?? []).filter((condition) => condition.type === type);

export const jobKind: StateKind<Job> = {
  resource: resources.jobs,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", job_name: metadata.name }),
  families: [
    ...labelFamilies<Job>("job", "jobs"),
    stable("kube_job_info", "Information about job.", () => info()),
    stable("kube_job_created", createdHelp, created),
    stable(
      "kube_job_spec_parallelism",
      "The maximum desired number of pods the job should run at any given time.",
      ({ spec }) => one(spec.parallelism),
    ),
    stable(
      "kube_job_spec_completions",
      "The desired number of successfully finished pods the job should be run with.",
      ({ spec }) => one(spec.completions),
    ),
    stable(
      "kube_job_spec_active_deadline_seconds",
      "The duration in seconds relative to the startTime that the job may be active before the system tries to terminate it.",
      ({ spec }) => one(spec.activeDeadlineSeconds),
    ),
    stable("kube_job_status_succeeded", "The number of pods which reached Phase Succeeded.", ({ status }) =>
      count(status?.succeeded),
    ),
    stable(
      "kube_job_status_failed",
      "The number of pods which reached Phase Failed and the reason for failure.",
      failed,
    ),
    stable("kube_job_status_active", "The number of actively running pods.", ({ status }) =>
      count(status?.active),
    ),
    alpha("kube_job_status_ready", "The number of ready pods that belong to this Job.", ({ status }) =>
      count(status?.ready),
    ),
    stable("kube_job_complete", "The job has completed its execution.", (job) =>
      conditionsOf(job, "Complete").flatMap(({ status }) => statusSeries(status, "condition")),
    ),
    stable("kube_job_failed", "The job has failed its execution.", (job) =>
      conditionsOf(job, "Failed").flatMap(({ status }) => statusSeries(status, "condition")),
    ),
    stable(
      "kube_job_status_start_time",
      "StartTime represents time when the job was acknowledged by the Job Manager.",
      ({ status }) => moment(status?.startTime),
    ),
    stable(
      "kube_job_status_completion_time",
      "CompletionTime represents time when the job was completed.",
      ({ status }) => moment(status?.completionTime),
    ),
    alpha("kube_job_status_suspended", "The number of pods which reached Phase Suspended.", (job) =>
      conditionsOf(job, "Suspended").flatMap(({ status }) => flag(status === "True")),
    ),
    stable("kube_job_owner", "Information about the Job's owner.", ownerSeries),
  ],
};

function failed(job: Job): readonly Series[] {
  const failures = job.status?.failed ?? 0;
  if (failures === 0) return one(0);
  const conditions = conditionsOf(job, "Failed");
  const byReason = conditions.flatMap((condition) =>
    failureReasons.map((reason) => ({ labels: { reason }, value: condition.reason === reason ? 1 : 0 })),
  );
  const isKnown = byReason.some(({ value }) => value === 1);
  return isKnown ? byReason : [...byReason, { labels: { reason: "" }, value: failures }];
}

export const cronJobKind: StateKind<CronJob> = {
  resource: resources.cronjobs,
  labels: ({ metadata }) => ({ namespace: metadata.namespace ?? "", cronjob: metadata.name }),
  families: [
    ...labelFamilies<CronJob>("cronjob", "cronjobs"),
    stable("kube_cronjob_info", "Info about cronjob.", ({ spec }) =>
      info({
        schedule: spec.schedule,
        concurrency_policy: spec.concurrencyPolicy ?? "",
        timezone: spec.timeZone ?? "local",
      }),
    ),
    stable("kube_cronjob_created", createdHelp, created),
    stable("kube_cronjob_status_active", "Active holds pointers to currently running jobs.", ({ status }) =>
      count(status?.active?.length),
    ),
    stable(
      "kube_cronjob_status_last_schedule_time",
      "LastScheduleTime keeps information of when was the last time the job was successfully scheduled.",
      ({ status }) => moment(status?.lastScheduleTime),
    ),
    stable(
      "kube_cronjob_status_last_successful_time",
      "LastSuccessfulTime keeps information of when was the last time the job was completed successfully.",
      ({ status }) => moment(status?.lastSuccessfulTime),
    ),
    stable(
      "kube_cronjob_spec_suspend",
      "Suspend flag tells the controller to suspend subsequent executions.",
      ({ spec }) => flag(spec.suspend),
    ),
    stable(
      "kube_cronjob_spec_starting_deadline_seconds",
      "Deadline in seconds for starting the job if it misses scheduled time for any reason.",
      ({ spec }) => one(spec.startingDeadlineSeconds),
    ),
    stable(
      "kube_cronjob_next_schedule_time",
      "Next time the cronjob should be scheduled. The time after lastScheduleTime, or after the cron job's creation time if it's never been scheduled. Use this to determine if the job is delayed.",
      nextTime,
    ),
    alpha(
      "kube_cronjob_schedule_invalid",
      "Emitted with value 1 for cronjobs whose schedule, in its configured timezone, cannot be parsed.",
      (cronJob) => (readSchedule(cronJob).ok ? [] : info()),
    ),
    stable(
      "kube_cronjob_metadata_resource_version",
      "Resource version representing a specific version of the cronjob.",
      versionSeries,
    ),
    alpha(
      "kube_cronjob_spec_successful_job_history_limit",
      "Successful job history limit tells the controller how many completed jobs should be preserved.",
      ({ spec }) => one(spec.successfulJobsHistoryLimit),
    ),
    alpha(
      "kube_cronjob_spec_failed_job_history_limit",
      "Failed job history limit tells the controller how many failed jobs should be preserved.",
      ({ spec }) => one(spec.failedJobsHistoryLimit),
    ),
  ],
};

function readSchedule({ spec: { schedule, timeZone } }: CronJob): CronReading {
  return timeZone === undefined || isTimeZone(timeZone)
    ? readCronSchedule(schedule)
    : { ok: false, problem: `unknown time zone ${timeZone}` };
}

function nextTime(cronJob: CronJob): readonly Series[] {
  const read = readSchedule(cronJob);
  if (!read.ok || cronJob.spec.suspend === true) return [];
  const afterMs = timeMs(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  const nextMs = nextTimeMs(read.schedule, afterMs, new ZoneClock(cronJob.spec.timeZone));
  return one(nextMs === undefined ? undefined : Math.floor(nextMs / 1000));
}
