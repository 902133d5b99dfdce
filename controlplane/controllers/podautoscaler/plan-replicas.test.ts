import assert from "node:assert/strict";
import fc from "fast-check";
import type { Pod } from "../../../client/types.ts";
import { ago, nowMs, pod } from "../testing/objects.ts";
import {
  averageProposal,
  type PodMetric,
  shareProposal,
  utilizationProposal,
  valueProposal,
  type Workload,
} from "./plan-replicas.ts";

const rules = { cpuInitializationMs: 300_000, initialReadinessMs: 30_000, nowMs };
const tolerances = { down: 0.1, up: 0.1 };

interface Shape {
  readonly startedSeconds?: number;
  readonly ready?: "True" | "False";
  readonly changedSeconds?: number;
  readonly phase?: string;
  readonly deleted?: boolean;
  readonly request?: string;
}
function aPod(name: string, shape: Shape = {}): Pod {
  const { startedSeconds = 3600, ready = "True", changedSeconds = 3500, phase = "Running" } = shape;
  const made = pod(name, {
    phase,
    spec: {
      containers: [{ name: "c", resources: { requests: { cpu: shape.request ?? "1", memory: "1Ki" } } }],
    },
    ...(shape.deleted && { meta: { deletionTimestamp: ago(1) } }),
  });
  const lastTransitionTime = ago(changedSeconds);
  return {
    ...made,
    status: {
      ...made.status,
      startTime: ago(startedSeconds),
      conditions: [{ type: "Ready", status: ready, lastTransitionTime }],
    },
  };
}
const workload = (replicas: number, pods: readonly Pod[]): Workload => {
  return { replicas, presentReplicas: replicas, pods, tolerances, rules };
};
const measured = (...milli: readonly (number | undefined)[]) =>
  new Map(
    milli.flatMap((one, index): [string, PodMetric][] =>
      one === undefined
        ? []
        : [[`p${index}`, { milli: BigInt(one), timestampMs: nowMs - 5_000, windowMs: 60_000 }]],
    ),
  );
const podsOf = (...shapes: readonly Shape[]) => shapes.map((shape, index) => aPod(`p${index}`, shape));
const cpu = (percent: number) => ({ resource: "cpu", percent });

describe("how many replicas a metric calls for", () => {
  it("follows the share of requests in use, rounded up, unless it is within tolerance", () => {
    const three = podsOf({}, {}, {});
    const of = (...use: number[]) => utilizationProposal(workload(3, three), measured(...use), cpu(30));
    assert.deepEqual(of(300, 500, 700), { replicas: 5, utilization: 50, usageMilli: 500n });
    assert.equal(of(320, 320, 320).replicas, 3);
    assert.equal(of(100, 100, 100).replicas, 1);
  });

  it("takes pods without figures as idle when it would grow, and as fully used when it would shrink", () => {
    const three = podsOf({}, {}, {});
    const grow = utilizationProposal(workload(3, three), measured(900, 900, undefined), cpu(30));
    assert.equal(grow.replicas, 6);
    // With the one that counts as idle it is within tolerance.
    const idle = utilizationProposal(workload(3, three), measured(990, 990, undefined), cpu(60));
    assert.equal(idle.replicas, 3);
    const shrink = utilizationProposal(workload(3, three), measured(10, 10, undefined), cpu(50));
    assert.equal(shrink.replicas, 3); // (10 + 10 + 1000) of 3000 is 34 %, of 50 %
    // Never in the other direction than what was measured says.
    const turned = utilizationProposal(workload(4, podsOf({}, {}, {}, {})), measured(600), cpu(50));
    assert.equal(turned.replicas, 4);
  });

  it("does not count CPU of pods that start, or never were ready", () => {
    const pods = podsOf(
      {},
      // Ready for a shorter time than a measurement takes.
      { startedSeconds: 60, changedSeconds: 20 },
      { startedSeconds: 3600, ready: "False", changedSeconds: 3590 },
      { phase: "Pending" },
    );
    const grow = utilizationProposal(workload(4, pods), measured(900, 5000, 5000, undefined), cpu(50));
    assert.equal(grow.utilization, 90);
    assert.equal(grow.replicas, 4); // 900 of 4000 would shrink it
    // Only CPU: memory counts from the beginning.
    const memory = { resource: "memory", percent: 50 };
    assert.equal(
      utilizationProposal(workload(1, [aPod("p0", { ready: "False" })]), measured(1_024_000), memory)
        .replicas,
      2,
    );
    // Once ready, a pod that is not any more counts.
    const fallen = podsOf({ startedSeconds: 3600, ready: "False", changedSeconds: 100 });
    assert.equal(utilizationProposal(workload(1, fallen), measured(1000), cpu(50)).replicas, 2);
  });

  it("leaves out what failed or goes, and says so where nothing is left", () => {
    const pods = podsOf({}, { phase: "Failed" }, { deleted: true });
    const plan = utilizationProposal(workload(3, pods), measured(1000, 9000, 9000), cpu(50));
    assert.deepEqual([plan.replicas, plan.utilization], [2, 100]);
    assert.throws(
      () => utilizationProposal(workload(1, podsOf({ deleted: true })), measured(1), cpu(50)),
      /^MetricProblem: did not receive metrics for targeted pods \(pods might be unready\)$/,
    );
    assert.throws(
      () => averageProposal(workload(1, []), measured(1), 5n),
      /^MetricProblem: no pods returned by selector while calculating replica count$/,
    );
  });

  it("names the pod, the container and the resource whose request is missing", () => {
    const bare = pod("p0", { spec: { containers: [{ name: "c" }] }, phase: "Running" });
    const ready = { ...bare, status: aPod("p0").status ?? {} };
    assert.throws(
      () => utilizationProposal(workload(1, [ready]), measured(1), cpu(50)),
      /missing request for cpu in container c of Pod p0$/,
    );
    assert.throws(
      () => utilizationProposal(workload(1, [aPod("p0")]), measured(1), { ...cpu(50), container: "x" }),
      /container x not found in Pod p0$/,
    );
  });

  it("misses the request for a resource named as what every object inherits", () => {
    const asking = pod("p0", {
      spec: { containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] },
      phase: "Running",
    });
    const ready = { ...asking, status: aPod("p0").status ?? {} };
    for (const resource of ["constructor", "toString", "__proto__"])
      assert.throws(
        () => utilizationProposal(workload(1, [ready]), measured(1), { ...cpu(50), resource }),
        new RegExp(`^MetricProblem: missing request for ${resource} in container c of Pod p0$`),
      );
  });

  it("follows one number in proportion to the pods that are ready, or in shares", () => {
    const pods = podsOf({}, {}, { ready: "False" });
    assert.equal(valueProposal(workload(3, pods), 4000n, 1000n).replicas, 8);
    assert.equal(valueProposal(workload(3, pods), 1050n, 1000n).replicas, 3);
    assert.equal(valueProposal(workload(0, []), 3100n, 1000n).replicas, 4);
    assert.deepEqual(shareProposal(workload(3, pods), 10_000n, 1000n), { replicas: 10, usageMilli: 3334n });
    assert.equal(shareProposal(workload(10, []), 10_500n, 1000n).replicas, 10);
    assert.equal(
      valueProposal(workload(1, podsOf({})), 9_000_000_000_000_000_000n, 1n).replicas,
      2 ** 31 - 1,
    );
  });

  const shapes: fc.Arbitrary<Shape> = fc.record({
    startedSeconds: fc.constantFrom(10, 100, 4000),
    changedSeconds: fc.constantFrom(0, 5, 90, 3000),
    ready: fc.constantFrom("True" as const, "False" as const),
    phase: fc.constantFrom("Running", "Running", "Pending", "Failed"),
    deleted: fc.boolean(),
  });

  it("never goes against what was measured, and stays where that is within tolerance", () => {
    const cases = fc.record({
      shapes: fc.array(shapes, { minLength: 1, maxLength: 12 }),
      use: fc.array(fc.option(fc.integer({ min: 0, max: 4000 }), { nil: undefined }), {
        minLength: 12,
        maxLength: 12,
      }),
      percent: fc.integer({ min: 1, max: 200 }),
      byShare: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ shapes, use, percent, byShare }) => {
        const pods = podsOf(...shapes);
        const replicas = pods.length;
        const metrics = measured(...use.slice(0, replicas));
        let plan: ReturnType<typeof utilizationProposal>;
        try {
          plan = byShare
            ? utilizationProposal(workload(replicas, pods), metrics, cpu(percent))
            : averageProposal(workload(replicas, pods), metrics, BigInt(percent * 10), "cpu");
        } catch {
          return; // nothing was measured
        }
        const ratio = byShare ? (plan.utilization ?? 0) / percent : Number(plan.usageMilli) / (percent * 10);
        const missing = pods.some(
          ({ status, metadata }) =>
            status?.phase === "Running" &&
            metadata.deletionTimestamp === undefined &&
            !metrics.has(metadata.name),
        );
        const whole = pods.every(
          ({ status, metadata }) => status?.phase === "Running" && metadata.deletionTimestamp === undefined,
        );
        // With pods that cannot be counted there are fewer that the ratio speaks of: only where all run is the direction sure.
        if (whole && !missing && ratio > 1.1) assert.ok(plan.replicas >= 1);
        if (missing && ratio < 1) assert.ok(plan.replicas <= replicas, "grew though little is used");
        if (missing && ratio > 1) assert.ok(plan.replicas >= replicas, "shrank though much is used");
        if (!missing && whole && ratio >= 0.9 && ratio <= 1) assert.equal(plan.replicas, replicas);
        assert.ok(Number.isInteger(plan.replicas) && plan.replicas >= 0);
      }),
      { numRuns: 2000 },
    );
  });
});
