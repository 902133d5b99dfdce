import assert from "node:assert/strict";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import { ago, meta, nowMs, pod } from "../testing/objects.ts";
import { type Measured, needsMetrics, planAutoscaler, type Seen } from "./plan-autoscaler.ts";
import { noHistory } from "./plan-behavior.ts";
import type { MetricSpec, Reading } from "./plan-metric.ts";
import { SelectingAutoscalers } from "./selecting-autoscalers.ts";

const rules = {
  tolerance: 0.1,
  downWindowMs: 300_000,
  cpuInitializationMs: 300_000,
  initialReadinessMs: 30_000,
};
const cpu = (percent: number): MetricSpec => ({
  type: "Resource",
  resource: { name: "cpu", target: { type: "Utilization", averageUtilization: percent } },
});
const queue: MetricSpec = {
  type: "External",
  external: { metric: { name: "queue" }, target: { type: "AverageValue", averageValue: "10" } },
};

function autoscaler(
  spec: Partial<HorizontalPodAutoscaler["spec"]> = {},
  status?: HorizontalPodAutoscaler["status"],
): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: meta("web"),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [cpu(50)],
      ...spec,
    },
    ...(status !== undefined && { status }),
  };
}
const pods = ["a", "b"].map((name) => {
  const made = pod(name, {
    readyFor: 3000,
    spec: { containers: [{ name: "c", resources: { requests: { cpu: "1" } } }] },
  });
  return { ...made, status: { ...made.status, startTime: ago(3600) } };
});
const used = (milli: number): Reading => ({
  kind: "pods",
  metrics: new Map(
    pods.map(({ metadata }) => [
      metadata.name,
      { milli: BigInt(milli), timestampMs: nowMs, windowMs: 15_000 },
    ]),
  ),
});
const none: Reading = { kind: "none", why: "no metrics returned from resource metrics API" };
const seen = (current: number, of = autoscaler()): Seen => ({
  autoscaler: of,
  current,
  present: current,
  history: noHistory,
  rules,
  nowMs,
});
const measured = (...readings: readonly Reading[]): Measured => ({ ok: true, pods, readings });
const conditionsOf = ({ conditions }: ReturnType<typeof planAutoscaler>) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

describe("what an autoscaler wants and says", () => {
  it("scales by its metrics, and says from which", () => {
    const plan = planAutoscaler(seen(2), measured(used(1000)));
    assert.equal(plan.replicas, 4);
    assert.equal(plan.rescale?.reason, "cpu resource utilization (percentage of request) above target");
    assert.deepEqual(conditionsOf(plan), {
      AbleToScale: "True ReadyForNewScale",
      ScalingActive: "True ValidMetricFound",
      ScalingLimited: "False DesiredWithinRange",
    });
    assert.equal(
      plan.conditions.find(({ type }) => type === "ScalingActive")?.message,
      "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
    );
    assert.deepEqual(plan.currentMetrics, [
      {
        type: "Resource",
        resource: { name: "cpu", current: { averageUtilization: 100, averageValue: "1" } },
      },
    ]);
    assert.deepEqual([plan.events, plan.problem, plan.failed], [[], undefined, false]);
  });

  it("brings a target back into its bounds without asking any metric", () => {
    const above = planAutoscaler(seen(11), undefined);
    assert.deepEqual(
      [above.replicas, above.rescale?.reason],
      [10, "Current number of replicas above Spec.MaxReplicas"],
    );
    const below = planAutoscaler(seen(1), undefined);
    assert.deepEqual(
      [below.replicas, below.rescale?.reason],
      [2, "Current number of replicas below Spec.MinReplicas"],
    );
    assert.deepEqual(
      [1, 2, 10, 11].map((count) => needsMetrics(seen(count))),
      [false, true, true, false],
    );
  });

  it("leaves a target alone that somebody scaled to zero", () => {
    const plan = planAutoscaler(seen(0), undefined);
    assert.deepEqual([plan.replicas, plan.rescale], [0, undefined]);
    assert.deepEqual(conditionsOf(plan), {
      AbleToScale: "True SucceededGetScale",
      ScalingActive: "False ScalingDisabled",
    });
  });

  it("stays, and says why, where no metric can be had", () => {
    const plan = planAutoscaler(seen(3), measured(none));
    assert.deepEqual([plan.replicas, plan.rescale, plan.failed], [3, undefined, true]);
    assert.deepEqual(conditionsOf(plan), {
      AbleToScale: "True SucceededGetScale",
      ScalingActive: "False FailedGetResourceMetric",
    });
    const why =
      "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
    assert.deepEqual(plan.events, [
      { type: "Warning", reason: "FailedGetResourceMetric", message: why },
      {
        type: "Warning",
        reason: "FailedComputeMetricsReplicas",
        message: `invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
      },
    ]);
    assert.equal(
      plan.conditions.find(({ type }) => type === "ScalingActive")?.message,
      `the HPA was unable to compute the replica count: ${why}`,
    );
    assert.deepEqual(plan.currentMetrics, [{ type: "" }]);
  });

  it("with a metric that cannot be had may grow by the others, and does not shrink", () => {
    const both = autoscaler({ metrics: [cpu(50), queue] });
    const problem: Reading = { kind: "none", why: "no queue" };
    const grown = planAutoscaler(seen(2, both), measured(used(1000), problem));
    assert.deepEqual([grown.replicas, grown.failed], [4, false]);
    assert.match(
      grown.problem ?? "",
      /^invalid metrics \(1 invalid out of 2\), first error is: failed to get queue external metric value: failed to get queue external metric: unable to get external metric default\/queue\/nil: no queue$/,
    );
    const shrunk = planAutoscaler(seen(4, both), measured(used(1), problem));
    assert.deepEqual([shrunk.replicas, shrunk.failed, shrunk.rescale], [4, true, undefined]);
    // With all there, the one that wants most counts.
    const most = planAutoscaler(seen(2, both), measured(used(700), { kind: "total", milli: 55_000n }));
    assert.deepEqual([most.replicas, most.rescale?.reason], [4, "external metric queue(nil) above target"]);
    assert.deepEqual(conditionsOf(most).ScalingLimited, "True ScaleUpLimit");
  });

  it("says of other kinds of metrics what Kubernetes says", () => {
    const object: MetricSpec = {
      type: "Object",
      object: {
        describedObject: { kind: "Service", name: "front" },
        metric: { name: "hits", selector: { matchLabels: { a: "b" } } },
        target: { type: "Value", value: "5" },
      },
    };
    const ofPods: MetricSpec = {
      type: "Pods",
      pods: { metric: { name: "rps" }, target: { type: "AverageValue", averageValue: "2" } },
    };
    const container: MetricSpec = {
      type: "ContainerResource",
      containerResource: {
        name: "memory",
        container: "c",
        target: { type: "AverageValue", averageValue: "1Mi" },
      },
    };
    const of = autoscaler({ metrics: [object, ofPods, container] });
    const failed = planAutoscaler(seen(2, of), measured(none, none, none));
    const why = none.kind === "none" ? none.why : "";
    assert.deepEqual(
      failed.events.map(({ reason, message }) => `${reason}: ${message}`),
      [
        `FailedGetObjectMetric: unable to get metric hits: Service on default front/${why}`,
        `FailedGetPodsMetric: unable to get metric rps: ${why}`,
        `FailedGetContainerResourceMetric: failed to get memory usage: unable to get metrics for resource memory: ${why}`,
        `FailedComputeMetricsReplicas: invalid metrics (3 invalid out of 3), first error is: failed to get object metric value: unable to get metric hits: Service on default front/${why}`,
      ],
    );
    const bytes = used(3 * 1024 * 1024 * 1000);
    const fine = planAutoscaler(seen(2, of), measured({ kind: "total", milli: 5_000n }, used(2000), bytes));
    assert.deepEqual(
      fine.currentMetrics.map((one) => JSON.stringify(one)),
      [
        '{"type":"Object","object":{"describedObject":{"kind":"Service","name":"front"},"metric":{"name":"hits","selector":{"matchLabels":{"a":"b"}}},"current":{"value":"5"}}}',
        '{"type":"Pods","pods":{"metric":{"name":"rps"},"current":{"averageValue":"2"}}}',
        '{"type":"ContainerResource","containerResource":{"name":"memory","container":"c","current":{"averageValue":"3Mi"}}}',
      ],
    );
    assert.equal(fine.rescale?.reason, "memory resource above target");
  });

  it("takes the tolerance of a direction from its own rules", () => {
    const policies = [{ type: "Percent", value: 900, periodSeconds: 60 }];
    const rulesOf = (tolerance: string) => ({
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies, tolerance },
        scaleDown: { stabilizationWindowSeconds: 0, selectPolicy: "Max", policies, tolerance: "0" },
      },
    });
    const at = (tolerance: string, milli: number) =>
      planAutoscaler(seen(2, autoscaler(rulesOf(tolerance))), measured(used(milli))).replicas;
    assert.deepEqual([at("0.05", 540), at("0.1", 540), at("500m", 740), at("0.4", 740)], [3, 2, 2, 3]);
  });

  it("keeps the time of a condition that does not change, and takes away one of a feature that is off", () => {
    const before = [
      { type: "ScaledToZero", status: "True" },
      { type: "AbleToScale", status: "True", reason: "x", lastTransitionTime: ago(500) },
    ];
    const of = autoscaler({}, { desiredReplicas: 2, conditions: before });
    const { conditions } = planAutoscaler(seen(2, of), measured(used(500)));
    assert.deepEqual(
      conditions.map(({ type }) => type),
      ["AbleToScale", "ScalingActive", "ScalingLimited"],
    );
    assert.equal(conditions[0]?.lastTransitionTime, ago(500));
  });
});

describe("autoscalers that select the same pods", () => {
  it("are all named, those of other namespaces and those not looked at yet aside", () => {
    const selecting = new SelectingAutoscalers();
    const web = [{ key: "app", operator: "=", values: ["web"] }] as const;
    const labelled = [pod("a", { meta: { labels: { app: "web" } } })];
    selecting.set("default", "two", web);
    selecting.set("default", "one", []);
    selecting.set("default", "new", null);
    selecting.set("other", "three", web);
    assert.deepEqual(selecting.of("default", labelled), ["one", "two"]);
    assert.deepEqual(selecting.of("default", []), []);
    selecting.delete("default", "one");
    assert.deepEqual([selecting.of("default", labelled), selecting.size], [["two"], 3]);
  });
});
