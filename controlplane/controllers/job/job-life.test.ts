import assert from "node:assert/strict";
import fc from "fast-check";
import type { Job, Pod } from "../../../client/types.ts";
import { isActive, isFinished } from "../pod-state.ts";
import { job, nowMs, pod, timeAt } from "../testing/objects.ts";
import { indexAnnotation, indexOf, trackingFinalizer } from "./job-types.ts";
import { planJob } from "./plan-job.ts";

const settings = fc.record({
  completionMode: fc.constantFrom("NonIndexed", "Indexed"),
  completions: fc.integer({ min: 1, max: 6 }),
  parallelism: fc.integer({ min: 1, max: 4 }),
  backoffLimit: fc.integer({ min: 0, max: 3 }),
});
const happening = fc.oneof(
  fc.constant({ what: "sync" as const }),
  fc.record({ what: fc.constantFrom("succeed" as const, "fail" as const), at: fc.nat(5) }),
  fc.record({ what: fc.constant("gone" as const), at: fc.nat(5) }),
);
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

/** Longer than any pause after a failure. */
const pauseMs = 3_600_000;

/** A Job and its pods, as they live beside the plan. */
class World {
  pods: readonly Pod[] = [];
  status: Job["status"];
  readonly #spec: Settings;
  #made = 0;
  #nowMs = nowMs;
  /** How pods ended: once each, whatever was counted of it. */
  readonly succeeded = new Set<string>();
  readonly failed = new Set<string>();

  constructor(spec: Settings) {
    this.#spec = spec;
  }

  get active(): readonly Pod[] {
    return this.pods.filter(isActive);
  }

  get end(): string | undefined {
    return this.status?.conditions?.find(({ type }) => type === "Complete" || type === "Failed")?.type;
  }

  finish(one: Pod, phase: "Succeeded" | "Failed"): void {
    (phase === "Succeeded" ? this.succeeded : this.failed).add(one.metadata.name);
    this.#replace(one, { ...one, status: { ...one.status, phase } });
  }

  /** What was deleted ends, and leaves once nothing holds it. */
  gone(one: Pod): void {
    if (one.metadata.deletionTimestamp === undefined) return;
    if (!isFinished(one)) this.#replace(one, { ...one, status: { ...one.status, phase: "Failed" } });
    else if (!one.metadata.finalizers?.length) this.pods = this.pods.filter((other) => other !== one);
  }

  /** Works on the Job once. Whether that did anything. */
  sync(): boolean {
    this.#nowMs += pauseMs;
    const plan = planJob(job({ ...this.#spec }, this.status), this.pods, {
      settled: true,
      nowMs: this.#nowMs,
    });
    const isNews = JSON.stringify(plan.status) !== JSON.stringify(this.status);
    const isOver = this.end !== undefined;
    this.status = plan.status;
    for (const one of plan.untrack) this.#replace(one, withMeta(one, { finalizers: [] }));
    for (const one of [...plan.drop, ...plan.remove]) {
      const now = this.pods.find(({ metadata }) => metadata.name === one.metadata.name);
      if (now !== undefined) this.#replace(now, withMeta(now, { deletionTimestamp: timeAt(this.#nowMs) }));
    }
    if (isOver) assert.equal(plan.create, 0, "a Job that is over gets another pod");
    if (plan.create > 0)
      assert.ok(this.failed.size <= this.#spec.backoffLimit, "a pod is made after too many failures");
    for (let at = 0; at < plan.create; at++) this.#create(plan.indexes[at]);
    this.#check();
    return isNews || plan.create + plan.untrack.length + plan.drop.length + plan.remove.length > 0;
  }

  #create(index: number | undefined): void {
    if (this.#spec.completionMode === "Indexed") {
      assert.ok(index !== undefined && index < this.#spec.completions, `index ${index}`);
      const others = this.pods.filter((one) => indexOf(one) === index);
      assert.ok(!others.some(isActive), `index ${index} runs twice`);
      assert.ok(!others.some(({ metadata }) => this.succeeded.has(metadata.name)), `index ${index} is done`);
    }
    const made = pod(`p${this.#made++}`, {
      meta: {
        finalizers: [trackingFinalizer],
        creationTimestamp: timeAt(this.#nowMs),
        ...(index !== undefined && { annotations: { [indexAnnotation]: String(index) } }),
      },
    });
    this.pods = [...this.pods, made];
  }

  #check(): void {
    const { parallelism, completions } = this.#spec;
    assert.ok(this.active.length <= parallelism, `${this.active.length} pods run at once`);
    if (this.end === undefined && this.failed.size <= this.#spec.backoffLimit)
      assert.ok(this.active.length + this.succeeded.size <= completions, "more pods than completions");
    assert.ok((this.status?.succeeded ?? 0) <= this.succeeded.size, "a success is counted that was none");
  }

  #replace(one: Pod, next: Pod): void {
    this.pods = this.pods.map((other) => (other.metadata.name === one.metadata.name ? next : other));
  }
}

const withMeta = (one: Pod, more: Partial<Pod["metadata"]>): Pod => ({
  ...one,
  metadata: { ...one.metadata, ...more },
});

describe("controlplane/controllers/job: any life of a Job", () => {
  it("keeps to parallelism, completions and back-off limit, runs no index twice at once, and ends as it should", () => {
    fc.assert(
      fc.property(settings, fc.array(happening, { minLength: 20, maxLength: 60 }), (spec, life) => {
        const world = new World(spec);
        for (const one of life) {
          if (one.what === "sync") world.sync();
          else if (one.what === "gone") {
            const going = world.pods[one.at];
            if (going !== undefined) world.gone(going);
          } else {
            const running = world.active[one.at];
            if (running !== undefined) world.finish(running, one.what === "succeed" ? "Succeeded" : "Failed");
          }
        }
        // From now on every pod succeeds.
        for (let quiet = 0, turn = 0; quiet < 2; turn++) {
          assert.ok(turn < 100, "it comes to an end");
          quiet = world.sync() ? 0 : quiet + 1;
          for (const one of world.pods) world.gone(one);
          for (const one of world.active) world.finish(one, "Succeeded");
        }
        const isFailed = world.failed.size > spec.backoffLimit;
        assert.equal(world.end, isFailed ? "Failed" : "Complete");
        if (!isFailed) assert.equal(world.status?.succeeded, spec.completions);
      }),
      { numRuns: 300 },
    );
  });
});
