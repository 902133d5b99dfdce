import assert from "node:assert/strict";
import { parseSelector } from "../../../base/label-selector.ts";
import { ApiError } from "../../../client/api-error.ts";
import type { ServedResource } from "../discovery.ts";
import { apiUsage } from "./api-usage.ts";
import { CustomMetrics } from "./custom-metrics.ts";
import type { MetricSpec, Reading } from "./plan-metric.ts";
import { readMetric } from "./read-metrics.ts";

describe("what is measured for an autoscaler", () => {
  let answers: Record<string, unknown>;
  beforeEach(() => {
    answers = {};
  });

  const client = {
    raw: async (_method: string, path: string) => {
      const plain = decodeURIComponent(path.replaceAll("+", " "));
      const answer = answers[plain];
      if (answer === undefined) throw new ApiError(404, { message: "404 page not found" });
      if (answer instanceof Error) throw answer;
      return JSON.stringify(answer);
    },
  };
  const deployments: ServedResource = {
    group: "apps",
    version: "v1",
    kind: "Deployment",
    plural: "deployments",
    namespaced: true,
    verbs: [],
  };
  const served = { current: async () => [deployments] };
  const query = { namespace: "shop", selector: parseSelector("app=web") };
  const signal = new AbortController().signal;
  const readers = { resources: apiUsage(client), custom: new CustomMetrics(client, served) };
  const read = (spec: MetricSpec): Promise<Reading> => readMetric(spec, query, readers, signal);
  const shown = (reading: Reading) =>
    reading.kind === "pods"
      ? [...reading.metrics].map(([name, { milli, windowMs }]) => `${name} ${milli} ${windowMs}`)
      : reading.kind === "total"
        ? [String(reading.milli)]
        : reading.why;

  const cpu: MetricSpec = { type: "Resource", resource: { name: "cpu", target: { type: "Utilization" } } };
  const usage = (name: string, ...containers: readonly (readonly [string, string | undefined])[]) => ({
    metadata: { name },
    timestamp: "2026-01-01T00:00:00Z",
    window: "15s",
    containers: containers.map(([container, amount]) => ({
      name: container,
      usage: amount === undefined ? { memory: "1Mi" } : { cpu: amount },
    })),
  });

  it("is nothing for a resource named as what every object inherits", async () => {
    answers["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app=web"] = {
      items: [usage("a", ["web", "100m"])],
    };
    for (const name of ["constructor", "toString", "__proto__"])
      for (const type of ["Resource", "ContainerResource"] as const) {
        const target = { type: "Utilization" } as const;
        const spec: MetricSpec =
          type === "Resource"
            ? { type, resource: { name, target } }
            : { type, containerResource: { name, container: "web", target } };
        assert.deepEqual(shown(await read(spec)), [], `${type} ${name}`);
      }
  });

  it("is the sum of a pod's containers, where all were measured, or one of them", async () => {
    answers["/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods?labelSelector=app=web"] = {
      items: [
        usage("a", ["web", "100m"], ["side", "1500001n"]),
        usage("b", ["web", "1"], ["side", undefined]),
      ],
    };
    assert.deepEqual(shown(await read(cpu)), ["a 102 15000"]);
    const one: MetricSpec = {
      type: "ContainerResource",
      containerResource: { name: "cpu", container: "web", target: { type: "Utilization" } },
    };
    assert.deepEqual(shown(await read(one)), ["a 100 15000", "b 1000 15000"]);
  });

  it("of pods and objects comes from the newest custom metrics API, asked with both selectors", async () => {
    answers["/apis/custom.metrics.k8s.io"] = { versions: [{ version: "v1beta1" }, { version: "v1beta2" }] };
    const root = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop";
    answers[`${root}/pods/*/rps?labelSelector=app=web&metricLabelSelector=verb=GET`] = {
      items: [
        { describedObject: { name: "a" }, value: "1500m", windowSeconds: 30 },
        { describedObject: { name: "b" }, value: "2" },
      ],
    };
    answers[`${root}/deployments.apps/web/depth`] = { items: [{ value: "7" }] };
    answers[`${root}/metrics/depth`] = { items: [{ value: "9" }] };
    answers[`${root}/deployments.apps/two/depth`] = { items: [{ value: "7" }, { value: "8" }] };
    const selector = { matchLabels: { verb: "GET" } };
    const target = { type: "AverageValue" };
    const ofPods: MetricSpec = { type: "Pods", pods: { metric: { name: "rps", selector }, target } };
    assert.deepEqual(shown(await read(ofPods)), ["a 1500 30000", "b 2000 60000"]);
    const ofObject = (kind: string, name: string, apiVersion?: string): MetricSpec => ({
      type: "Object",
      object: {
        describedObject: { kind, name, ...(apiVersion !== undefined && { apiVersion }) },
        metric: { name: "depth" },
        target,
      },
    });
    assert.deepEqual(shown(await read(ofObject("Deployment", "web", "apps/v1"))), ["7000"]);
    assert.deepEqual(shown(await read(ofObject("Namespace", "other"))), ["9000"]);
    assert.match(String(shown(await read(ofObject("Deployment", "two", "apps/v1")))), /returned 2 results/);
    assert.match(
      String(shown(await read(ofObject("Gizmo", "x", "acme.io/v1")))),
      /unable to map kind Gizmo.acme.io to resource: no matches for kind "Gizmo" in group "acme.io"$/,
    );
  });

  it("from outside is summed, as far as a number of 64 bits goes", async () => {
    const path = "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/queue?labelSelector=q=a";
    const metric = { name: "queue", selector: { matchLabels: { q: "a" } } };
    const spec: MetricSpec = { type: "External", external: { metric, target: { type: "Value" } } };
    answers[path] = { items: [{ value: "1" }, { value: "20m" }] };
    assert.deepEqual(shown(await read(spec)), ["1020"]);
    answers[path] = { items: [{ value: "9000T" }, { value: "9000T" }] };
    assert.deepEqual(shown(await read(spec)), ["9223372036854775807"]);
    answers[path] = { items: [] };
    assert.equal(shown(await read(spec)), "no metrics returned from external metrics API");
    answers[path] = { items: [{ value: "many" }] };
    assert.match(String(shown(await read(spec))), /"many" is no quantity/);
  });

  it("is absent in Kubernetes' words where nobody serves it", async () => {
    const target = { type: "Value" };
    assert.equal(
      shown(await read(cpu)),
      "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
    );
    assert.equal(
      shown(await read({ type: "Pods", pods: { metric: { name: "rps" }, target } })),
      "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered",
    );
    assert.equal(
      shown(await read({ type: "External", external: { metric: { name: "q" }, target } })),
      "unable to fetch metrics from external metrics API: the server could not find the requested resource (get q.external.metrics.k8s.io)",
    );
  });
});
