import { resources } from "../resources.ts";
import { nextTimeMs } from "../rules/cron-next.ts";
import { readCronSchedule } from "../rules/cron-schedule.ts";
import { ZoneClock } from "../rules/time-zone.ts";
import type { CronJob, Job, Pod } from "../types.ts";
import type { CauseCode } from "./causes.ts";
import { explainPod } from "./explain-pod.ts";
import { type Facts, latestEvent } from "./facts.ts";
import { type Finding, finding, leadsTo, stands, told, wordsOf } from "./finding.ts";
import { refusalFinding } from "./refusals.ts";
import { podFindings, podsOf } from "./workloads.ts";

const failures: Readonly<
  Record<string, { readonly code: CauseCode; readonly text: (job: Job) => string; readonly change: string }>
> = {
  BackoffLimitExceeded: {
    code: "job-backoff-limit",
    text: ({ spec, status }) =>
      `it failed ${status?.failed ?? 0} times, and may no more than ${spec?.backoffLimit ?? 6} (backoffLimit)`,
    change: "a program that succeeds, or a larger backoffLimit; a failed Job is made anew",
  },
  DeadlineExceeded: {
    code: "job-deadline",
    text: ({ spec }) => `it took longer than ${spec?.activeDeadlineSeconds} s (activeDeadlineSeconds)`,
    change: "a quicker program, or a longer deadline",
  },
};

export function explainJob(job: Job, facts: Facts): readonly Finding[] {
  const words = wordsOf(job);
  if (job.spec?.suspend)
    return [
      finding("suspended", job, "it is suspended", {
        evidence: [stands(job, "spec.suspend", true)],
        change: ["spec.suspend is false"],
        next: [`kubectl patch ${words} --type=merge -p '{"spec":{"suspend":false}}'`],
      }),
    ];
  const conditions = job.status?.conditions ?? [];
  if (conditions.some(({ type, status }) => type === "Complete" && status === "True")) return [];
  const pods = podsOf(job, facts);
  const failed = conditions.find(
    ({ type, status }) => ["Failed", "FailureTarget"].includes(type) && status === "True",
  );
  if (failed !== undefined) {
    const kind = failures[failed.reason ?? ""];
    const text = kind?.text(job) ?? `it failed: ${failed.reason ?? ""}: ${failed.message ?? ""}`;
    const said = [stands(job, "status.conditions[Failed]", `${failed.reason}: ${failed.message ?? ""}`)];
    const root = failed.reason === "DeadlineExceeded" ? [] : lastFailure(pods, facts);
    const own = finding(kind?.code ?? "job-failed", job, text, {
      evidence: said,
      change: kind === undefined ? [] : [kind.change],
      next: [`kubectl describe ${words}`, `kubectl logs ${words} --all-containers`],
    });
    const [first] = root;
    if (first === undefined) return [own];
    return [
      {
        ...own,
        cause: `${own.cause}: ${first.cause}`,
        evidence: [...said, ...first.evidence],
        change: [...first.change, ...own.change],
        next: [...first.next, ...own.next],
      },
    ];
  }
  const refused = pods.length === 0 ? refusalFinding(job, facts) : undefined;
  if (refused !== undefined) return [refused];
  if (pods.length === 0)
    return [finding("no-pods-yet", job, "it has made no pods yet", { next: [`kubectl describe ${words}`] })];
  const active = pods.filter(({ status }) => status?.phase !== "Failed" && status?.phase !== "Succeeded");
  const troubled = podFindings(
    active.filter(({ status }) => status?.phase !== "Running"),
    facts,
  );
  if (troubled.length > 0) return troubled;
  const tries = job.status?.failed ?? 0;
  return tries === 0
    ? []
    : lastFailure(pods, facts).map((one) =>
        leadsTo(`${tries} of its pods failed, of ${job.spec?.backoffLimit ?? 6} that may`, one),
      );
}

function lastFailure(pods: readonly Pod[], facts: Facts): readonly Finding[] {
  const failed = pods.filter(({ status }) => status?.phase === "Failed");
  const newest = failed.sort(
    (a, b) => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp),
  )[0];
  const pod =
    newest ??
    pods.find(({ status }) =>
      (status?.containerStatuses ?? []).some(({ lastState }) => lastState?.terminated),
    );
  return pod === undefined ? [] : explainPod(pod, facts);
}

/** Runs that are so late are missed. */
const lateMs = 100_000;

export function explainCronJob(cron: CronJob, facts: Facts): readonly Finding[] {
  const { spec, status = {}, metadata } = cron;
  const words = wordsOf(cron);
  const evidence = [
    stands(cron, "spec.schedule", `${spec?.schedule}${spec?.timeZone ? ` (${spec.timeZone})` : ""}`),
    stands(cron, "status.lastScheduleTime", String(status.lastScheduleTime ?? "(never)")),
  ];
  if (spec?.suspend)
    return [
      finding("suspended", cron, "it is suspended", {
        evidence: [stands(cron, "spec.suspend", true), ...evidence],
        change: ["spec.suspend is false"],
        next: [`kubectl patch ${words} --type=merge -p '{"spec":{"suspend":false}}'`],
      }),
    ];
  const events = facts.events(cron);
  const reading = readCronSchedule(spec?.schedule ?? "");
  if (!reading.ok)
    return [
      finding("cron-never", cron, `its schedule cannot be read: ${reading.problem}`, {
        evidence,
        next: [`kubectl edit ${words}`],
      }),
    ];
  const jobs = (facts.list(resources.jobs, metadata.namespace) ?? []).filter((job) =>
    job.metadata.ownerReferences?.some(({ uid }) => uid === metadata.uid),
  );
  const active = jobs.filter(({ metadata: { name } }) =>
    (status.active ?? []).some((one) => one.name === name),
  );
  const since = Date.parse(String(status.lastScheduleTime ?? metadata.creationTimestamp));
  const due = nextTimeMs(reading.schedule, since, new ZoneClock(spec?.timeZone ?? "Etc/UTC"));
  const found: Finding[] = [];
  if (due === undefined)
    return [
      finding("cron-never", cron, `its schedule never comes: ${spec?.schedule}`, {
        evidence,
        change: ["a schedule with a day that is in a calendar"],
        next: [`kubectl edit ${words}`],
      }),
    ];
  if (due + lateMs < facts.nowMs) {
    const missed = latestEvent(
      events,
      "MissSchedule",
      "TooManyMissedTimes",
      "JobAlreadyActive",
      "FailedCreate",
    );
    const running = active.find(({ status: of }) => (of?.active ?? 0) > 0);
    const forbids = spec?.concurrencyPolicy === "Forbid" && running !== undefined;
    const cause = forbids
      ? `it misses runs: its job ${running.metadata.name} still runs, and it forbids two at a time`
      : `it has missed runs since ${new Date(due).toISOString()}${missed === undefined ? "" : `: ${missed.message}`}`;
    found.push(
      finding("cron-missed", cron, cause, {
        evidence: [
          ...evidence,
          ...(missed === undefined ? [] : [told(missed)]),
          ...(forbids ? [stands(cron, "spec.concurrencyPolicy", "Forbid")] : []),
          ...(spec?.startingDeadlineSeconds === undefined
            ? []
            : [stands(cron, "spec.startingDeadlineSeconds", spec.startingDeadlineSeconds)]),
        ],
        change: [
          forbids
            ? "the job ends, or concurrencyPolicy is Replace or Allow"
            : "the controller manager runs, and startingDeadlineSeconds is long enough",
        ],
        next: [`kubectl describe ${words}`, `kubectl get jobs -n ${metadata.namespace}`],
      }),
    );
  }
  const newest = [...jobs].sort(
    (a, b) => Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp),
  )[0];
  const inJob =
    newest === undefined
      ? []
      : explainJob(newest, facts).map((one) => leadsTo(`its job ${newest.metadata.name}`, one));
  return [...found, ...inJob];
}
