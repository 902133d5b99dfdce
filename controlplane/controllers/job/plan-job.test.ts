import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../../client/types.ts";
import { ago, job, type meta, nowMs, pod } from "../testing/objects.ts";
import { indexesText, parseIndexes } from "./indexes.ts";
import { indexAnnotation, trackingFinalizer } from "./job-types.ts";
import { planJob } from "./plan-job.ts";

const tracked = (name: string, phase: string, more: Parameters<typeof meta>[1] = {}): Pod =>
  pod(name, { phase, meta: { finalizers: [trackingFinalizer], creationTimestamp: ago(100), ...more } });
const observed = { settled: true, nowMs };
const reasons = (plan: ReturnType<typeof planJob>) =>
  (plan.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe("controlplane/controllers/job/plan-job", () => {
  it("starts as many as may run at once, and no more than are wanted", () => {
    assert.equal(planJob(job({ completions: 5, parallelism: 2 }), [], observed).create, 2);
    assert.equal(planJob(job({ completions: 1, parallelism: 4 }), [], observed).create, 1);
    assert.equal(
      planJob(job({ completions: 5, parallelism: 2 }), [tracked("a", "Running")], observed).create,
      1,
    );
  });

  it("counts in two steps: first the uid, then the number", () => {
    const wanted = { completions: 2, parallelism: 1 };
    const first = planJob(job(wanted), [tracked("a", "Succeeded")], observed);
    assert.deepEqual(first.status.uncountedTerminatedPods, { succeeded: ["uid-a"] });
    assert.deepEqual(first.untrack, []);
    const second = planJob(job(wanted, first.status), [tracked("a", "Succeeded")], observed);
    assert.deepEqual(
      second.untrack.map(({ metadata }) => metadata.name),
      ["a"],
    );
    const third = planJob(job(wanted, second.status), [pod("a", { phase: "Succeeded" })], observed);
    assert.equal(third.status.succeeded, 1);
    assert.deepEqual(third.status.uncountedTerminatedPods, {});
  });

  it("waits longer after each failure", () => {
    const failed = (name: string) => tracked(name, "Failed", { creationTimestamp: ago(5) });
    const plan = planJob(job({ completions: 1 }), [failed("a"), failed("b")], observed);
    assert.equal(plan.create, 0);
    assert.equal(plan.waitMs, 15_000);
  });

  it("announces a failure, stops what runs, and is failed when all is counted", () => {
    const wanted = { completions: 2, parallelism: 2, backoffLimit: 0 };
    const first = planJob(job(wanted), [tracked("a", "Failed"), tracked("b", "Running")], observed);
    assert.deepEqual(reasons(first), ["FailureTarget=True BackoffLimitExceeded"]);
    assert.deepEqual(
      first.remove.map(({ metadata }) => metadata.name),
      ["b"],
    );
    const last = planJob(
      job(wanted, { ...first.status, uncountedTerminatedPods: { failed: ["uid-a", "uid-b"] } }),
      [],
      observed,
    );
    assert.deepEqual(reasons(last), [
      "FailureTarget=True BackoffLimitExceeded",
      "Failed=True BackoffLimitExceeded",
    ]);
    assert.equal(last.status.failed, 2);
  });

  it("runs the missing indexes, each by one pod", () => {
    const wanted = { completions: 5, parallelism: 5, completionMode: "Indexed" };
    const of = (name: string, index: number, phase: string) =>
      tracked(name, phase, { annotations: { [indexAnnotation]: String(index) } });
    const pods = [of("a", 0, "Succeeded"), of("b", 1, "Running"), of("c", 1, "Running")];
    const plan = planJob(job(wanted), pods, observed);
    assert.equal(plan.status.completedIndexes, "0");
    assert.deepEqual(
      plan.drop.map(({ metadata }) => metadata.name),
      ["c"],
    );
    assert.deepEqual(plan.indexes, [2, 3, 4]);
  });

  it("frees the pods of a Job that is over or goes", () => {
    const over = job({}, { conditions: [{ type: "Complete", status: "True" }] });
    assert.equal(planJob(over, [tracked("a", "Succeeded")], observed).untrack.length, 1);
  });

  it("counts every pod exactly once, wherever it is cut off", () => {
    const outcomes = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(outcomes, fc.array(fc.nat(5), { maxLength: 80 }), (wins, cuts) => {
        let stored: Parameters<typeof job>[1];
        const wanted = { completions: 1000, parallelism: 0, backoffLimit: 1000 };
        const pods = new Map(wins.map((won, i) => [i, tracked(`p${i}`, won ? "Succeeded" : "Failed")]));
        for (let step = 0; step < cuts.length + 10; step++) {
          const plan = planJob(job(wanted, stored), [...pods.values()], observed);
          // Cut off after so many writes: the status is the first, each finalizer one more.
          let writes = cuts[step] ?? 100;
          if (writes-- <= 0) continue;
          stored = plan.status;
          for (const one of plan.untrack) {
            if (writes-- <= 0) break;
            const index = Number(one.metadata.name.slice(1));
            // Odd ones vanish altogether once nothing holds them.
            if (index % 2 === 1) pods.delete(index);
            else pods.set(index, { ...one, metadata: { ...one.metadata, finalizers: [] } });
          }
        }
        assert.equal(stored?.succeeded ?? 0, wins.filter((won) => won).length);
        assert.equal(stored?.failed ?? 0, wins.filter((won) => !won).length);
      }),
      { numRuns: 200 },
    );
  });
});

describe("controlplane/controllers/job/indexes", () => {
  it("writes runs of indexes short, and reads them back", () => {
    assert.equal(indexesText(new Set([0, 1, 2, 5, 7, 8])), "0-2,5,7,8");
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(50)), (all) => {
        assert.deepEqual(parseIndexes(indexesText(new Set(all))), new Set([...all].sort((a, b) => a - b)));
      }),
    );
  });
});
