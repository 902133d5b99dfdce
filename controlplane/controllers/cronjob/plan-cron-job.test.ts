import assert from "node:assert/strict";
import { readCronSchedule } from "../../../client/rules/cron-schedule.ts";
import { ZoneClock } from "../../../client/rules/time-zone.ts";
import type { CronJob, Job } from "../../../client/types.ts";
import { ago, job, meta, nowMs } from "../testing/objects.ts";
import { lastDue, nextDueInMs } from "./due.ts";
import { planRun, reviewJobs, scheduledJob, surplusJobs } from "./plan-cron-job.ts";

/** Tests take place at noon, UTC. */
const noon = "2026-01-01T12:00:00Z";
const template = { spec: { template: { spec: { containers: [{ name: "c" }] } } } };

function cron(spec: Partial<CronJob["spec"]> = {}, status: CronJob["status"] = {}): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: meta("tick", { creationTimestamp: "2026-01-01T11:00:30Z" }),
    spec: { schedule: "0 * * * *", jobTemplate: template, concurrencyPolicy: "Allow", ...spec },
    status,
  };
}

function timetable(text: string, zone = "UTC") {
  const read = readCronSchedule(text);
  assert.ok(read.ok);
  return { schedule: read.schedule, clock: new ZoneClock(zone) };
}

const timeText = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());
const run = (one: CronJob, atMs = nowMs) => planRun(one, timetable(one.spec.schedule), atMs);
const reasons = (one: CronJob, atMs = nowMs) => run(one, atMs).events.map(({ reason }) => reason);
const reference = (name: string) => ({ kind: "Job", name, namespace: "default", uid: `uid-${name}` });

describe("controlplane/controllers/cronjob/due", () => {
  const due = (one: CronJob, atMs: number) =>
    timeText(lastDue(one, timetable(one.spec.schedule), { nowMs: atMs, heedsDeadline: true })?.dueMs);

  it("is the last time since the last job, or since the cron job was made", () => {
    assert.equal(due(cron(), nowMs - 1000), undefined);
    assert.equal(due(cron(), nowMs), "2026-01-01T12:00:00.000Z");
    assert.equal(due(cron({}, { lastScheduleTime: noon }), nowMs + 1000), undefined);
    assert.equal(due(cron(), nowMs + 5.5 * 3600_000), "2026-01-01T17:00:00.000Z");
    assert.equal(due(cron({ schedule: "@every 7m" }), nowMs), "2026-01-01T11:56:30.000Z");
    assert.equal(
      due(cron({ schedule: "30 6-16/4 * * 1-5" }), nowMs + 24 * 3600_000),
      "2026-01-02T10:30:00.000Z",
    );
  });

  it("does not look back beyond the deadline", () => {
    const late = cron({ startingDeadlineSeconds: 60 });
    assert.equal(due(late, nowMs + 30_000), "2026-01-01T12:00:00.000Z");
    assert.equal(due(late, nowMs + 90_000), undefined);
  });

  it("never is, where the calendar has no such day", () => {
    assert.equal(lastDue(cron(), timetable("0 0 31 2 *"), { nowMs, heedsDeadline: true }), undefined);
    assert.equal(nextDueInMs(cron(), timetable("0 0 31 2 *"), nowMs), undefined);
  });

  it("says how long it is to the next time, counted from the last one", () => {
    assert.equal(nextDueInMs(cron(), timetable("0 * * * *"), nowMs + 1000), 3599_100);
    const last = cron({}, { lastScheduleTime: "2026-01-01T11:59:00Z" });
    assert.equal(nextDueInMs(last, timetable("@every 2m"), nowMs), 60_100);
  });
});

describe("controlplane/controllers/cronjob/plan-cron-job", () => {
  it("runs for the last of several missed times, once", () => {
    assert.equal(timeText(run(cron()).dueMs), "2026-01-01T12:00:00.000Z");
    assert.equal(run(cron({}, { lastScheduleTime: noon })).dueMs, undefined);
    const started = cron({}, { active: [reference(`tick-${nowMs / 60_000}`)] });
    assert.equal(run(started).dueMs, undefined);
  });

  it("warns of more than a hundred missed times, and runs all the same", () => {
    const old = cron({ schedule: "* * * * *" }, { lastScheduleTime: "2026-01-01T09:00:00Z" });
    assert.deepEqual(reasons(old), ["TooManyMissedTimes"]);
    assert.equal(timeText(run(old).dueMs), "2026-01-01T12:00:00.000Z");
  });

  it("waits for what runs with Forbid, and takes its place with Replace", () => {
    const active = [reference("tick-1")];
    const forbids = cron({ concurrencyPolicy: "Forbid" }, { active });
    assert.deepEqual([reasons(forbids), run(forbids).dueMs], [["JobAlreadyActive"], undefined]);
    const replaces = run(cron({ concurrencyPolicy: "Replace" }, { active }));
    assert.deepEqual([replaces.dueMs, replaces.replaces], [nowMs, active]);
    assert.deepEqual(run(cron({}, { active })).replaces, []);
  });

  it("says that a schedule is never due", () => {
    const [event] = run(cron({ schedule: "0 0 31 2 *" })).events;
    assert.equal(
      event?.message,
      "invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second",
    );
  });

  it("names a job by its time, and writes the time down as clocks in the zone show it", () => {
    const one = cron({
      jobTemplate: { metadata: { labels: { a: "b" }, annotations: { c: "d" } }, ...template },
    });
    const { metadata } = scheduledJob(one, nowMs, 3600_000);
    assert.equal(metadata.name, `tick-${nowMs / 60_000}`);
    assert.deepEqual(metadata.labels, { a: "b" });
    assert.deepEqual(metadata.annotations, {
      c: "d",
      "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T13:00:00+01:00",
    });
    const utc = scheduledJob(one, nowMs, 0).metadata.annotations ?? {};
    assert.equal(utc["batch.kubernetes.io/cronjob-scheduled-timestamp"], noon);
  });

  const ended = (name: string, type: "Complete" | "Failed", seconds: number): Job => ({
    ...job(
      {},
      {
        startTime: ago(seconds),
        ...(type === "Complete" && { completionTime: ago(seconds - 1) }),
        conditions: [{ type, status: "True" }],
      },
    ),
    metadata: meta(name),
  });

  it("keeps as many ended jobs of each sort as it is told, the newest", () => {
    const jobs = [
      ended("a", "Complete", 30),
      ended("b", "Complete", 20),
      ended("c", "Failed", 40),
      ended("d", "Failed", 10),
      { ...job(), metadata: meta("e") },
    ];
    const limits = { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 };
    assert.deepEqual(
      surplusJobs(cron(limits), jobs).map(({ metadata }) => metadata.name),
      ["a", "c", "d"],
    );
    assert.deepEqual(surplusJobs(cron(), jobs), []);
  });

  it("keeps an ended job until the status says that its time had one", () => {
    const { annotations } = scheduledJob(cron(), nowMs, 0).metadata;
    const noted: Job = {
      ...ended("a", "Complete", 30),
      metadata: meta("a", { annotations: annotations ?? {} }),
    };
    const keepsNone = { successfulJobsHistoryLimit: 0 };
    assert.deepEqual(surplusJobs(cron(keepsNone), [noted]), []);
    const { status } = reviewJobs(cron(keepsNone), [noted]);
    assert.equal(status.lastScheduleTime, noon);
    assert.deepEqual(surplusJobs(cron(keepsNone, status), [noted]), [noted]);
  });

  it("learns from its jobs what runs, what ended and when it succeeded last", () => {
    const active = ["a", "gone"].map(reference);
    const strange: Job = { ...job(), metadata: meta("strange") };
    const jobs = [ended("a", "Complete", 30), ended("old", "Complete", 90), strange];
    const { status, events, missing } = reviewJobs(cron({}, { active }), jobs);
    assert.deepEqual(status, { active: [reference("gone")], lastSuccessfulTime: ago(29) });
    assert.deepEqual(
      events.map(({ message }) => message),
      [
        "Saw completed job: a, condition: Complete",
        "Saw a job that the controller did not create or forgot: strange",
      ],
    );
    assert.deepEqual(missing, [reference("gone")]);
  });
});
