import assert from "node:assert/strict";
import fc from "fast-check";
import { readCronSchedule } from "../../../client/rules/cron-schedule.ts";
import { ZoneClock } from "../../../client/rules/time-zone.ts";
import type { CronJob, Job } from "../../../client/types.ts";
import { job, meta, nowMs, timeAt } from "../testing/objects.ts";
import {
  endOf,
  planRun,
  referenceTo,
  reviewJobs,
  scheduledJob,
  statusWith,
  surplusJobs,
} from "./plan-cron-job.ts";

const minuteMs = 60_000;
const clock = new ZoneClock("UTC");
/** What counts from a moment is never due within a deadline that is shorter than its pause. */
const settings = fc.record({
  concurrencyPolicy: fc.constantFrom("Allow", "Forbid", "Replace"),
  successfulJobsHistoryLimit: fc.nat(2),
  when: fc.oneof(
    fc.record({
      schedule: fc.constantFrom("* * * * *", "*/5 * * * *", "0 * * * *"),
      startingDeadlineSeconds: fc.constantFrom(90, 600),
    }),
    fc.record({ schedule: fc.constantFrom("* * * * *", "*/5 * * * *", "0 * * * *", "@every 7m") }),
  ),
});
/** Time passes, jobs end, and the controller looks: it may be cut off after so many writes. */
const happening = fc.record({
  minutes: fc.nat(15),
  ends: fc.array(fc.nat(3), { maxLength: 2 }),
  writes: fc.oneof(fc.constant(9), fc.nat(2)),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

class World {
  jobs: readonly Job[] = [];
  nowMs = nowMs;
  readonly #settings: Settings;
  #status: NonNullable<CronJob["status"]> = {};
  /** Names of all jobs that were ever made. */
  readonly #made = new Set<string>();

  constructor(given: Settings) {
    this.#settings = given;
  }

  /** How many jobs were ever made. */
  get made(): number {
    return this.#made.size;
  }

  get running(): readonly Job[] {
    return this.jobs.filter((one) => endOf(one) === undefined);
  }

  end(at: number): void {
    const ended = this.running[at];
    const conditions = [{ type: "Complete", status: "True" }];
    this.jobs = this.jobs.map((one) =>
      one === ended ? { ...one, status: { completionTime: timeAt(this.nowMs), conditions } } : one,
    );
  }

  /** As the controller works on a cron job; after so many writes it is cut off. */
  sync(writes: number): void {
    let left = writes;
    const write = (does: () => void): boolean => {
      if (left-- <= 0) return false;
      does();
      return true;
    };
    const { status: reviewed, missing } = reviewJobs(this.#cronJob(), this.jobs);
    for (const job of surplusJobs(this.#cronJob(), this.jobs)) if (!write(() => this.#delete(job))) return;
    const status = statusWith(
      { status: reviewed },
      { active: (reviewed.active ?? []).filter((one) => !missing.includes(one)) },
    );
    const cronJob = { ...this.#cronJob(), status };
    const read = readCronSchedule(this.#settings.when.schedule);
    assert.ok(read.ok);
    const plan = planRun(cronJob, { schedule: read.schedule, clock }, this.nowMs);
    let { active = [] } = status;
    let lastScheduleTime = status.lastScheduleTime;
    const { dueMs } = plan;
    if (dueMs !== undefined) {
      for (const { uid } of plan.replaces) {
        const replaced = this.jobs.find(({ metadata }) => metadata.uid === uid);
        if (replaced !== undefined && !write(() => this.#delete(replaced))) return;
      }
      if (!write(() => this.#create(cronJob, dueMs))) return;
      active = [
        ...active.filter((one) => !plan.replaces.includes(one)),
        referenceTo(this.#madeFor(cronJob, dueMs)),
      ];
      lastScheduleTime = timeAt(dueMs);
    }
    write(() => {
      this.#status = statusWith(
        { status },
        { active, ...(lastScheduleTime !== undefined && { lastScheduleTime }) },
      );
    });
  }

  #delete(job: Job): void {
    this.jobs = this.jobs.filter((one) => one !== job);
  }

  #madeFor(cronJob: CronJob, dueMs: number): Job {
    const { name } = scheduledJob(cronJob, dueMs, 0).metadata;
    const found = this.jobs.find(({ metadata }) => metadata.name === name);
    assert.ok(found);
    return found;
  }

  #create(cronJob: CronJob, dueMs: number): void {
    const { name = "", annotations = {} } = scheduledJob(cronJob, dueMs, 0).metadata;
    if (this.jobs.some(({ metadata }) => metadata.name === name)) return;
    assert.ok(!this.#made.has(name), `a second job for ${timeAt(dueMs)}`);
    const { concurrencyPolicy, when } = this.#settings;
    const deadline = "startingDeadlineSeconds" in when ? when.startingDeadlineSeconds : undefined;
    assert.ok(dueMs <= this.nowMs, "a job before its time");
    if (deadline !== undefined) assert.ok(this.nowMs - dueMs <= deadline * 1000, "a job after its deadline");
    if (concurrencyPolicy !== "Allow") assert.equal(this.running.length, 0, "a job beside another");
    this.#made.add(name);
    this.jobs = [...this.jobs, { ...job(), metadata: meta(name, { annotations }) }];
  }

  #cronJob(): CronJob {
    const { when, ...kept } = this.#settings;
    return {
      apiVersion: "batch/v1",
      kind: "CronJob",
      metadata: meta("tick", { creationTimestamp: timeAt(nowMs - minuteMs) }),
      spec: {
        ...when,
        ...kept,
        jobTemplate: { spec: { template: { spec: { containers: [{ name: "c" }] } } } },
      },
      status: this.#status,
    };
  }
}

describe("controlplane/controllers/cronjob: any life of a cron job", () => {
  it("makes one job for a time at most, in time, and none beside another unless it may, wherever it is cut off", () => {
    fc.assert(
      fc.property(settings, fc.array(happening, { minLength: 5, maxLength: 40 }), (given, life) => {
        const world = new World(given);
        for (const { minutes, ends, writes } of life) {
          world.nowMs += minutes * minuteMs;
          for (const at of ends) world.end(at);
          world.sync(writes);
        }
        // After all have ended, the next time gets its job.
        while (world.running.length > 0) world.end(0);
        world.sync(9);
        while (world.running.length > 0) world.end(0);
        const before = world.made;
        for (let minute = 0; minute < 61; minute++) {
          world.nowMs += minuteMs;
          world.sync(9);
        }
        assert.ok(world.made > before);
        assert.ok(world.running.length > 0);
      }),
      { numRuns: 100 },
    );
  });
});
