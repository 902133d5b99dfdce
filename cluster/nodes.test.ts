import assert from "node:assert/strict";
import { resources } from "../client/resources.ts";
import { startCluster } from "./start-cluster.ts";

const deployment = (name: string, replicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "web" }] } },
  },
});
const budget = (app: string, minAvailable: number) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: app },
  spec: { minAvailable, selector: { matchLabels: { app } } },
});

describe("nodes of a cluster", function () {
  this.timeout(60_000);

  it("are what the options say", async () => {
    await using cluster = await startCluster({
      clock: "manual",
      nodes: [
        {
          name: "gpu",
          zone: "a",
          labels: { kind: "gpu" },
          taints: ["gpu=true:NoSchedule"],
          capacity: { cpu: 4, "nvidia.com/gpu": 2 },
          allocatable: { cpu: "3500m" },
        },
        {},
      ],
    });
    const node = await cluster.client.get(resources.nodes, { name: "gpu" });
    assert.equal(node.metadata.labels?.["topology.kubernetes.io/zone"], "a");
    assert.equal(node.metadata.labels?.kind, "gpu");
    assert.deepEqual(node.spec?.taints, [{ key: "gpu", value: "true", effect: "NoSchedule" }]);
    const { capacity, allocatable } = node.status ?? {};
    assert.deepEqual(
      [capacity?.cpu, allocatable?.cpu, capacity?.["nvidia.com/gpu"], capacity?.memory],
      ["4", "3500m", "2", "32Gi"],
    );
    assert.deepEqual(cluster.nodes, ["gpu", "node-1"]);
    const pod = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "learner" },
      spec: {
        tolerations: [{ key: "gpu", operator: "Exists" }],
        containers: [{ name: "c", image: "learn", resources: { limits: { "nvidia.com/gpu": 1 } } }],
      },
    };
    await cluster.apply(pod);
    const ready = await cluster.untilReady(pod);
    assert.equal((ready.spec as { nodeName?: string }).nodeName, "gpu");
  });

  it("are refused by field, value and rule", async () => {
    const nodes = [
      { name: "No", labels: { "a b": "c" } },
      { name: "x", taints: ["gpu"], capacity: { cpu: "many" }, allocatable: { "a.b/c": 1 } },
      { name: "x", size: 3 } as never,
    ];
    await assert.rejects(startCluster({ nodes }), (error: Error) => {
      assert.ok(error instanceof TypeError);
      for (const told of [
        /^nodes\[0\]\.name: "No" a lowercase RFC 1123 subdomain/m,
        /^nodes\[0\]\.labels: \{"a b":"c"\} Invalid value: "a b"/m,
        /^nodes\[1\]\.taints: "gpu" is no taint such as "gpu=true:NoSchedule"$/m,
        /^nodes\[1\]\.capacity\.cpu: "many" is no quantity/m,
        /^nodes\[1\]\.allocatable\.a\.b\/c: "1" is more than its capacity, which is nothing$/m,
        /^nodes\[2\]\.name: "x" is taken by another node$/m,
        /^nodes\[2\]\.size: 3 is none of name, runtime, labels/m,
      ])
        assert.match(error.message, told);
      return true;
    });
    await assert.rejects(startCluster({ nodes: -1 }), /^TypeError: nodes: -1 must be a whole number from 0/);
    await assert.rejects(
      startCluster({ clok: "manual" } as never),
      /^TypeError: clok: "manual" is none of nodes/,
    );
    await assert.rejects(
      startCluster({ replicas: { scheduler: 0 } }),
      /replicas\.scheduler: 0 must be a whole/,
    );
  });

  it("come and go while it runs: a drain waits for budgets", async () => {
    await using cluster = await startCluster({ clock: "manual", nodes: 0, seed: 1 });
    const web = deployment("web", 2);
    await cluster.apply([web, budget("web", 2)]);
    assert.equal(await cluster.addNode(), "node-1");
    await cluster.untilReady(web);
    await assert.rejects(cluster.removeNode("node-1", { timeout: "20s" }), (error: Error) => {
      assert.equal(error.name, "TimeoutError");
      assert.match(error.message, /^node node-1 is drained: not within 20 s\n {2}default\/web-/);
      assert.match(error.message, /disruption budget/);
      return true;
    });
    await cluster.addNode({ name: "spare" });
    await cluster.client.delete(
      { ...policy, plural: "poddisruptionbudgets" },
      { namespace: "default", name: "web" },
    );
    await cluster.apply([budget("web", 1)]);
    await cluster.clock.advance("5s");
    await cluster.removeNode("node-1");
    await cluster.untilReady(web);
    const { items } = await cluster.client.list(resources.pods, { namespace: "default" });
    assert.deepEqual(
      items.map(({ spec }) => spec.nodeName),
      ["spare", "spare"],
    );
    assert.deepEqual(cluster.nodes, ["spare"]);
    await cluster.addNode({ name: "node-1" });
    await cluster.removeNode("spare", { drain: false });
    await cluster.untilGone([{ apiVersion: "v1", kind: "Node", metadata: { name: "spare" } }, ...items], {
      timeout: "5m",
    });
    await cluster.untilReady(web, { timeout: "10m" });
    assert.throws(() => cluster.partition("spare"), /"spare" is no node of this cluster: node-1/);
  });

  it("say what is wrong with them, and pods go elsewhere", async () => {
    await using cluster = await startCluster({ clock: "manual", nodes: 2, seed: 1 });
    const taintsOf = async () =>
      ((await cluster.client.get(resources.nodes, { name: "node-1" })).spec?.taints ?? []).map(
        ({ key }) => key,
      );
    await cluster.setNodeTroubles("node-1", { diskPressure: true });
    await cluster.clock.advance("1s");
    assert.deepEqual(await taintsOf(), ["node.kubernetes.io/disk-pressure"]);
    await cluster.setNodeTroubles("node-1", { notReady: "the container runtime is down" });
    await cluster.clock.advance("1s");
    assert.deepEqual((await taintsOf()).sort(), [
      "node.kubernetes.io/not-ready",
      "node.kubernetes.io/not-ready",
    ]);
    const node = await cluster.client.get(resources.nodes, { name: "node-1" });
    assert.equal(
      node.status?.conditions?.find(({ type }) => type === "Ready")?.message,
      "the container runtime is down",
    );
    await cluster.setNodeTroubles("node-1", {});
    await cluster.clock.advance("1s");
    assert.deepEqual(await taintsOf(), []);
    await assert.rejects(
      cluster.setNodeTroubles("node-1", { broken: true } as never),
      /broken: true is none of/,
    );
  });

  it("are cut off, and their pods go on", async () => {
    await using cluster = await startCluster({ clock: "manual", nodes: 1, seed: 1 });
    const web = deployment("web", 1);
    await cluster.apply(web);
    await cluster.untilReady(web);
    const pods = async () => (await cluster.client.list(resources.pods, { namespace: "default" })).items;
    const [before] = await pods();
    cluster.partition("node-1");
    await cluster.clock.advance("2m");
    const node = await cluster.client.get(resources.nodes, { name: "node-1" });
    assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "Unknown");
    cluster.heal("node-1");
    await cluster.untilReady(node);
    await cluster.untilReady(web);
    const [after] = await pods();
    assert.equal(after?.metadata.uid, before?.metadata.uid);
    assert.equal(after?.status?.containerStatuses?.[0]?.restartCount, 0);
  });
});

const policy = {
  group: "policy",
  version: "v1",
  kind: "PodDisruptionBudget",
  namespaced: true,
} as const;
