import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { AgentServer } from "../../../agent/server/server.ts";
import { resources } from "../../../client/resources.ts";
import type { HorizontalPodAutoscaler } from "../../../client/types.ts";
import { readRules } from "../../apiserver/custommetrics/rules/read-rules.ts";
import { startTestNode } from "../../apiserver/reach/testing.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const namespace = "default";
const podIp = "127.128.9.1";

const ruleFile = `
rules:
- seriesQuery: 'orders_waiting{namespace!="",pod!=""}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  name: {as: orders}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
- seriesQuery: 'shop_sessions{service!=""}'
  resources: {template: "<<.Resource>>"}
  metricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
- seriesQuery: 'mails_waiting'
  resources: {namespaced: false}
  metricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>}) by (queue)'
`;

describe("autoscalers, on metrics that pods expose and rules name", () => {
  let cluster: TestCluster;
  let agent: AgentServer;
  let pod: Server;

  before(async () => {
    const problems: string[] = [];
    const rules = readRules(ruleFile, problems);
    assert.deepEqual(problems, []);
    cluster = await startTestCluster({
      config: { customMetrics: { rules, prometheus: undefined } },
      nodes: ["node-1"],
      kubelet: { podIp },
      flags: [
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--horizontal-pod-autoscaler-downscale-stabilization=1s",
      ],
    });
    pod = createServer((_request, response) => {
      response.end(
        [
          "# TYPE orders_waiting gauge",
          "orders_waiting 12.5",
          'shop_sessions{service="shop"} 90',
          'mails_waiting{queue="post"} 7',
          'mails_waiting{queue="bin"} 1000',
          "process_cpu_seconds_total 4",
          "",
        ].join("\n"),
      );
    });
    await once(pod.listen(0, podIp), "listening");
    const sandbox = { id: "s", pod: { namespace, name: "p", uid: "u" }, attempt: 0, state: "ready", podIp };
    agent = await startTestNode(cluster.api.authority, {
      nodeName: "node-1",
      runtime: { listPodSandboxes: () => [sandbox], listContainers: () => [] } as never,
    });
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: agent.port } },
    };
    const how = { type: "merge", subresource: "status" } as const;
    await cluster.client.patch(resources.nodes, { name: "node-1" }, { status }, how);
    await cluster.client.create(resources.services, {
      metadata: { name: "shop", namespace },
      spec: { selector: { app: "shop" }, ports: [{ port: 80 }] },
    });
  });
  after(async () => {
    await cluster.stop();
    await agent.close();
    pod.closeAllConnections();
    pod.close();
  });

  /** A Deployment whose pods are read, and its autoscaler, once that has scaled. */
  const scaled = async (
    name: string,
    metric: NonNullable<HorizontalPodAutoscaler["spec"]["metrics"]>[number],
  ) => {
    const annotations = {
      "prometheus.io/scrape": "true",
      "prometheus.io/port": String((pod.address() as AddressInfo).port),
      "prometheus.io/path": `/of/${name}`,
    };
    const { metadata } = await cluster.client.create(resources.deployments, {
      metadata: { name, namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name }, annotations },
          spec: { containers: [{ name: "web", image: "web:1" }] },
        },
      },
    });
    await cluster.until(resources.pods, "a pod that runs", (all) =>
      all.some(({ metadata: { labels }, status }) => labels?.app === name && status?.phase === "Running"),
    );
    await cluster.client.create(resources.horizontalpodautoscalers, {
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: metadata.name },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [metric],
      },
    });
    const hpa = await cluster.until(resources.horizontalpodautoscalers, `${name} scaled`, (all) =>
      all.find((one) => one.metadata.name === name && one.status?.currentReplicas === 3),
    );
    return hpa.status?.currentMetrics;
  };

  it("scale by what each of their pods says", async () => {
    const shown = await scaled("orders", {
      type: "Pods",
      pods: { metric: { name: "orders" }, target: { type: "AverageValue", averageValue: "5" } },
    });
    assert.deepEqual(shown, [
      { type: "Pods", pods: { metric: { name: "orders" }, current: { averageValue: "12500m" } } },
    ]);
  });

  it("scale by what is said of another object", async () => {
    const describedObject = { apiVersion: "v1", kind: "Service", name: "shop" };
    const metric = { name: "shop_sessions" };
    const shown = await scaled("sessions", {
      type: "Object",
      object: { describedObject, metric, target: { type: "Value", value: "30" } },
    });
    assert.deepEqual(shown, [
      { type: "Object", object: { describedObject, metric, current: { value: "90" } } },
    ]);
  });

  it("scale by what is said of something outside, whatever pods say of anything else", async () => {
    const metric = { name: "mails_waiting", selector: { matchLabels: { queue: "post" } } };
    const shown = await scaled("mails", {
      type: "External",
      external: { metric, target: { type: "Value", value: "2" } },
    });
    assert.deepEqual(shown, [{ type: "External", external: { metric, current: { value: "7" } } }]);
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/mails_waiting`;
    const { body } = await cluster.api.admin.call("GET", path);
    const values = body.items.map(({ metricLabels, value }: { metricLabels: object; value: string }) => [
      metricLabels,
      value,
    ]);
    assert.deepEqual(values, [
      [{ queue: "post" }, "7"],
      [{ queue: "bin" }, "1k"],
    ]);
    const cpu = `/apis/custom.metrics.k8s.io/v1beta2/namespaces/${namespace}/pods/*/process_cpu_seconds_total`;
    const none = await cluster.api.admin.call("GET", cpu);
    assert.equal(none.code, 404, none.text);
  });
});
