import assert from "node:assert/strict";
import type { AgentServer } from "../../../agent/server/server.ts";
import { resources } from "../../../client/resources.ts";
import type { HorizontalPodAutoscaler, Pod } from "../../../client/types.ts";
import { startTestNode } from "../../apiserver/reach/testing.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const namespace = "default";
const mi = 2 ** 20;

describe("autoscalers, on what metrics.k8s.io says", () => {
  let cluster: TestCluster;
  let agent: AgentServer;
  /** Of each pod. */
  let memoryBytes = 100 * mi;
  let pods: readonly Pod[] = [];
  before(async () => {
    cluster = await startTestCluster({
      config: { resourceMetrics: true },
      nodes: ["node-1"],
      flags: [
        "--horizontal-pod-autoscaler-sync-period=1s",
        "--horizontal-pod-autoscaler-downscale-stabilization=1s",
      ],
    });
    agent = await startTestNode(cluster.api.authority, {
      nodeName: "node-1",
      runtime: {
        listPodSandboxes: () => [],
        listContainers: () =>
          pods.map(({ metadata: { name, uid } }) => ({
            id: uid,
            name: "web",
            pod: { namespace, name, uid },
            state: { phase: "running", startedAtMs: 0 },
          })),
        containerStats: async () => ({ cpuNanos: 0, memoryBytes, workingSetBytes: memoryBytes }),
      } as unknown as NonNullable<Parameters<typeof startTestNode>[1]["runtime"]>,
    });
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: agent.port } },
    };
    await cluster.client.patch(
      resources.nodes,
      { name: "node-1" },
      { status },
      {
        type: "merge",
        subresource: "status",
      },
    );
    // The node's statistics know the pods that there are.
    void cluster
      .until(resources.pods, "never", (all) => {
        pods = all;
        return undefined;
      })
      .catch(() => undefined);
  });
  after(async () => {
    await cluster.stop();
    await agent.close();
  });

  const deploy = (name: string) =>
    cluster.client.create(resources.deployments, {
      metadata: { name, namespace },
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: "web", image: "web:1" }] },
        },
      },
    });
  const autoscale = (name: string, target: string, more: Partial<HorizontalPodAutoscaler["spec"]> = {}) =>
    cluster.client.create(resources.horizontalpodautoscalers, {
      metadata: { name, namespace },
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          {
            type: "Resource",
            resource: { name: "memory", target: { type: "AverageValue", averageValue: "40Mi" } },
          },
        ],
        ...more,
      },
    });
  const untilHpa = (name: string, what: string, holds: (one: HorizontalPodAutoscaler) => boolean) =>
    cluster.until(resources.horizontalpodautoscalers, what, (all) =>
      all.find((one) => one.metadata.name === name && holds(one)),
    );
  const reasonOf = ({ status }: HorizontalPodAutoscaler, type: string) =>
    status?.conditions?.find((one) => one.type === type)?.reason;

  it("grow their target as far as they may, and say what they saw", async () => {
    await deploy("web");
    await autoscale("web", "web");
    const grown = await untilHpa("web", "three replicas", ({ status }) => status?.currentReplicas === 3);
    assert.equal(grown.status?.desiredReplicas, 3);
    assert.ok(grown.status.lastScaleTime);
    assert.equal(reasonOf(grown, "ScalingActive"), "ValidMetricFound");
    const limited = await untilHpa(
      "web",
      "limited",
      (one) => reasonOf(one, "ScalingLimited") === "TooManyReplicas",
    );
    assert.deepEqual(limited.status?.currentMetrics, [
      { type: "Resource", resource: { name: "memory", current: { averageValue: "100Mi" } } },
    ]);
    const shown = await cluster.kubectl("get", "hpa", "web", "--no-headers");
    assert.match(shown, /Deployment\/web +memory: 104857600\/40Mi|Deployment\/web +memory: 100Mi\/40Mi/);
    const event = await cluster.until(resources.events, "SuccessfulRescale", (all) =>
      all.find(
        ({ reason, involvedObject }) => reason === "SuccessfulRescale" && involvedObject.name === "web",
      ),
    );
    assert.equal(event.message, "New size: 3; reason: memory resource above target");
    const { spec } = await cluster.client.get(resources.deployments, { name: "web", namespace });
    assert.equal(spec.replicas, 3);
  });

  it("do nothing, and say so, where two select the same pods, or the target is not there", async () => {
    await deploy("twice");
    for (const name of ["first", "second"]) await autoscale(name, "twice", { maxReplicas: 2 });
    await untilHpa("first", "ambiguous", (one) => reasonOf(one, "ScalingActive") === "AmbiguousSelector");
    await autoscale("lost", "nowhere");
    const lost = await untilHpa(
      "lost",
      "no scale",
      (one) => reasonOf(one, "AbleToScale") === "FailedGetScale",
    );
    assert.equal(
      lost.status?.conditions?.[0]?.message,
      'the HPA controller was unable to get the target\'s current scale: deployments.apps "nowhere" not found',
    );
  });

  it("shrink it when little is used", async () => {
    memoryBytes = 10 * mi;
    const shrunk = await untilHpa("web", "one replica", ({ status }) => status?.currentReplicas === 1);
    assert.equal(shrunk.status?.desiredReplicas, 1);
  });
});
