import assert from "node:assert/strict";
import fc from "fast-check";
import type { Job, Pod } from "../../../client/types.ts";
import { ago, job, type meta, nowMs, pod } from "../testing/objects.ts";
import { failureCountAnnotation, ignoredCountAnnotation } from "./failed-indexes.ts";
import { indexAnnotation, trackingFinalizer } from "./job-types.ts";
import { type JobPlan, planJob } from "./plan-job.ts";

const observed = { settled: true, nowMs };

interface Ended {
  readonly exitCode?: number;
  readonly conditions?: NonNullable<Pod["status"]>["conditions"];
  readonly index?: number;
  /** How often its index failed before, towards the limit and beside it. */
  readonly before?: readonly [counted: number, ignored: number];
  readonly finishedSecondsAgo?: number;
  readonly meta?: Parameters<typeof meta>[1];
}

function podOf(name: string, phase: string, ended: Ended = {}): Pod {
  const { exitCode = 1, conditions = [], index, before, finishedSecondsAgo = 3600 } = ended;
  const annotations = {
    ...(index !== undefined && { [indexAnnotation]: String(index) }),
    ...(before && { [failureCountAnnotation]: String(before[0]) }),
    ...(before?.[1] && { [ignoredCountAnnotation]: String(before[1]) }),
  };
  const one = pod(name, { phase, meta: { finalizers: [trackingFinalizer], annotations, ...ended.meta } });
  const terminated = { exitCode, finishedAt: ago(finishedSecondsAgo) };
  const state = phase === "Failed" ? { terminated } : { running: { startedAt: ago(5) } };
  const container = { name: "c", image: "i", imageID: "", ready: false, restartCount: 0, state };
  return {
    ...one,
    status: { ...one.status, conditions, containerStatuses: [container] } as Pod["status"],
  } as Pod;
}

const reasons = (plan: JobPlan) =>
  (plan.status.conditions ?? []).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
type Policy = NonNullable<Job["spec"]["podFailurePolicy"]>;
const withRule = (rule: Policy["rules"][number], more: Partial<Job["spec"]> = {}) =>
  job({ completions: 3, parallelism: 1, podFailurePolicy: { rules: [rule] }, ...more });

describe("controlplane/controllers/job, podFailurePolicy", () => {
  const onCode42 = { operator: "In", values: [42] };

  it("FailJob fails the Job at once, in Kubernetes' words, and stops what runs", () => {
    const pods = [podOf("a", "Failed", { exitCode: 42 }), podOf("b", "Running")];
    const plan = planJob(withRule({ action: "FailJob", onExitCodes: onCode42 }), pods, observed);
    assert.deepEqual(reasons(plan), [
      "FailureTarget PodFailurePolicy: Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0",
    ]);
    assert.deepEqual(names(plan.remove), ["b"]);
    assert.equal(plan.create, 0);
  });

  it("FailJob by a condition names the condition", () => {
    const conditions = [{ type: "DisruptionTarget", status: "True" }];
    const rule = { action: "FailJob", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] };
    const plan = planJob(withRule(rule), [podOf("a", "Failed", { conditions })], observed);
    assert.match(
      reasons(plan)[0] ?? "",
      /Pod default\/a has condition DisruptionTarget matching FailJob rule at index 0$/,
    );
  });

  it("Ignore counts nowhere: the pod is let go, the limit stays, a successor comes", () => {
    const rule = { action: "Ignore", onExitCodes: onCode42 };
    const limited = withRule(rule, { backoffLimit: 0 });
    const plan = planJob(limited, [podOf("a", "Failed", { exitCode: 42 })], observed);
    assert.deepEqual(plan.status.uncountedTerminatedPods, {});
    assert.deepEqual([names(plan.untrack), plan.create, reasons(plan)], [["a"], 1, []]);
    const other = planJob(limited, [podOf("a", "Failed", { exitCode: 1 })], observed);
    assert.match(reasons(other)[0] ?? "", /BackoffLimitExceeded/);
  });

  it("the first rule that matches decides; NotIn never matches success; other containers do not match", () => {
    const rules = [
      { action: "Ignore", onExitCodes: { containerName: "other", operator: "In", values: [1] } },
      { action: "Count", onExitCodes: { operator: "In", values: [1] } },
      { action: "FailJob", onExitCodes: { operator: "NotIn", values: [2] } },
    ];
    const judged = job({ completions: 3, podFailurePolicy: { rules } });
    assert.deepEqual(reasons(planJob(judged, [podOf("a", "Failed", { exitCode: 1 })], observed)), []);
    assert.deepEqual(reasons(planJob(judged, [podOf("a", "Failed", { exitCode: 2 })], observed)), []);
    assert.deepEqual(reasons(planJob(judged, [podOf("a", "Failed", { exitCode: 0 })], observed)), []);
    assert.match(
      reasons(planJob(judged, [podOf("a", "Failed", { exitCode: 3 })], observed))[0] ?? "",
      /rule at index 2$/,
    );
  });
});

describe("controlplane/controllers/job, backoffLimitPerIndex", () => {
  const indexed = (more: Partial<Job["spec"]> = {}, status?: Job["status"]) =>
    job(
      {
        completions: 3,
        parallelism: 3,
        completionMode: "Indexed",
        backoffLimit: 2 ** 31 - 1,
        backoffLimitPerIndex: 1,
        ...more,
      },
      status,
    );

  it("gives up an index after its limit and goes on with the others", () => {
    const pods = [
      podOf("a", "Failed", { index: 0, before: [1, 0] }),
      podOf("b", "Running", { index: 1 }),
      podOf("c", "Running", { index: 2 }),
    ];
    const plan = planJob(indexed(), pods, observed);
    assert.equal(plan.status.failedIndexes, "0");
    assert.deepEqual([plan.create, reasons(plan)], [0, []]);
    assert.deepEqual(plan.status.uncountedTerminatedPods, { failed: ["uid-a"] });
  });

  it("holds a failed pod until its successor is there, and gives the successor the count", () => {
    const failed = podOf("a", "Failed", { index: 0, before: [0, 2] });
    const others = [podOf("b", "Running", { index: 1 }), podOf("c", "Running", { index: 2 })];
    const plan = planJob(indexed(), [failed, ...others], observed);
    assert.deepEqual([plan.indexes, plan.failures.get(0)], [[0], { counted: 1, ignored: 2 }]);
    assert.deepEqual([plan.untrack, plan.status.uncountedTerminatedPods], [[], {}]);
    const successor = podOf("d", "Running", { index: 0, before: [1, 2] });
    const after = planJob(indexed(), [failed, successor, ...others], observed);
    assert.deepEqual(after.status.uncountedTerminatedPods, { failed: ["uid-a"] });
  });

  it("backs each index off for itself", () => {
    const pods = [podOf("a", "Failed", { index: 0, before: [0, 1], finishedSecondsAgo: 5 })];
    const plan = planJob(indexed({ backoffLimitPerIndex: 5 }), pods, observed);
    assert.deepEqual([plan.indexes, plan.waitMs], [[1, 2], 15_000]);
  });

  it("FailIndex gives an index up at its first failure; what is ignored does not count for it", () => {
    const rules = [
      { action: "FailIndex", onExitCodes: { operator: "In", values: [42] } },
      { action: "Ignore", onExitCodes: { operator: "In", values: [7] } },
    ];
    const judged = indexed({ podFailurePolicy: { rules }, podReplacementPolicy: "Failed" });
    const pods = [
      podOf("a", "Failed", { index: 0, exitCode: 42 }),
      podOf("b", "Failed", { index: 1, exitCode: 7, before: [1, 0] }),
    ];
    const plan = planJob(judged, pods, observed);
    assert.equal(plan.status.failedIndexes, "0");
    assert.deepEqual(plan.failures.get(1), { counted: 1, ignored: 1 });
  });

  it("fails when more indexes failed than maxFailedIndexes, or when all are over and some failed", () => {
    const pods = [0, 1].map((index) => podOf(`p${index}`, "Failed", { index, before: [1, 0] }));
    assert.match(
      reasons(planJob(indexed({ maxFailedIndexes: 1 }), pods, observed))[0] ?? "",
      /^FailureTarget MaxFailedIndexesExceeded: Job has exceeded the specified maximal number of failed indexes$/,
    );
    assert.deepEqual(reasons(planJob(indexed({ maxFailedIndexes: 2 }), pods, observed)), []);
    const over = [...pods, podOf("p2", "Succeeded", { index: 2 })];
    assert.match(
      reasons(planJob(indexed(), over, observed))[0] ?? "",
      /^FailureTarget FailedIndexes: Job has failed indexes$/,
    );
  });

  it("never runs an index more often than its limit allows, and ends, whatever is cut off where", () => {
    const limit = 2;
    const failures = fc.array(fc.nat(4), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(failures, fc.array(fc.nat(4), { maxLength: 60 }), (failuresOf, cuts) => {
        const completions = failuresOf.length;
        const wanted = { completions, parallelism: completions, backoffLimitPerIndex: limit };
        let status: Job["status"];
        let pods: Pod[] = [];
        const runs = failuresOf.map(() => 0);
        for (let step = 0; step < cuts.length + 60; step++) {
          const plan = planJob(indexed(wanted, status), pods, { settled: true, nowMs });
          let writes = cuts[step] ?? 100;
          if (writes-- <= 0) continue;
          status = plan.status;
          for (const one of plan.untrack) {
            if (writes-- <= 0) break;
            pods = pods.filter((other) => other !== one); // nothing else holds it: gone for good
          }
          if (writes <= 0) continue;
          for (const index of plan.indexes) {
            const before = plan.failures.get(index);
            assert.ok(before);
            const run = (runs[index] ?? 0) + 1;
            runs[index] = run;
            const phase = run > (failuresOf[index] ?? 0) ? "Succeeded" : "Failed";
            const counts: [number, number] = [before.counted, before.ignored];
            pods.push(podOf(`p${index}-${run}`, phase, { index, before: counts }));
          }
        }
        const failed = failuresOf.flatMap((times, index) => (times > limit ? [index] : []));
        assert.deepEqual(
          runs,
          failuresOf.map((times) => Math.min(times, limit) + 1),
        );
        const done = (status?.conditions ?? []).map(({ type }) => type);
        assert.ok(done.includes(failed.length > 0 ? "Failed" : "Complete"), JSON.stringify(status));
        const total = runs.reduce((sum, one) => sum + one, 0);
        assert.equal((status?.failed ?? 0) + (status?.succeeded ?? 0), total);
      }),
      { numRuns: 200 },
    );
  });
});

describe("controlplane/controllers/job, successPolicy", () => {
  const wanted = (rules: NonNullable<Job["spec"]["successPolicy"]>["rules"]) =>
    job({ completions: 5, parallelism: 5, completionMode: "Indexed", successPolicy: { rules } });
  const pods = [
    podOf("a", "Succeeded", { index: 0 }),
    podOf("b", "Succeeded", { index: 3 }),
    podOf("c", "Running", { index: 1 }),
  ];
  const cases: [rule: { succeededIndexes?: string; succeededCount?: number }, met: boolean][] = [
    [{ succeededIndexes: "0,3" }, true],
    [{ succeededIndexes: "0-1" }, false],
    [{ succeededIndexes: "0-4", succeededCount: 2 }, true],
    [{ succeededIndexes: "1-3", succeededCount: 2 }, false],
    [{ succeededCount: 2 }, true],
    [{ succeededCount: 3 }, false],
    [{ succeededIndexes: "0-2147483646" }, false],
  ];
  for (const [rule, met] of cases)
    it(`${JSON.stringify(rule)} is ${met ? "" : "not "}met by 0 and 3`, () => {
      const plan = planJob(wanted([rule]), pods, observed);
      const reason = "SuccessCriteriaMet SuccessPolicy: Matched rules at index 0";
      assert.deepEqual(reasons(plan), met ? [reason] : []);
      assert.deepEqual(names(plan.drop), met ? ["c"] : []);
    });
});
