import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/nodelifecycle and nodeipam", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  const beat = async (name: string) => {
    const now = new Date().toISOString();
    const conditions = [
      {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      },
    ];
    await cluster.client.patch(
      resources.nodes,
      { name },
      { status: { conditions } },
      { type: "merge", subresource: "status" },
    );
  };
  let beating: NodeJS.Timeout;
  before(async () => {
    cluster = await startTestCluster({
      nodes: ["alive", "dies"],
      flags: ["--node-monitor-grace-period=2s", "--allocate-node-cidrs", "--cluster-cidr=10.244.0.0/16"],
    });
    await beat("dies");
    beating = setInterval(() => void beat("alive"), 500);
  });
  after(async () => {
    clearInterval(beating);
    await cluster.stop();
  });

  it("gives each node a range of its own", async () => {
    const ranges = await cluster.until(resources.nodes, "ranges", (all) =>
      all.every(({ spec }) => spec?.podCIDR) ? all.map(({ spec }) => spec?.podCIDR) : undefined,
    );
    assert.deepEqual([...ranges].sort(), ["10.244.0.0/24", "10.244.1.0/24"]);
  });

  it("taints a silent node and moves its pods, and takes the taints off when it is back", async () => {
    await cluster.client.create(resources.pods, {
      metadata: { name: "tied", namespace: "default" },
      spec: {
        nodeName: "dies",
        terminationGracePeriodSeconds: 0,
        containers: [{ name: "c", image: "a" }],
        tolerations: [
          {
            key: "node.kubernetes.io/unreachable",
            operator: "Exists",
            effect: "NoExecute",
            tolerationSeconds: 1,
          },
        ],
      },
    });
    const node = await cluster.until(resources.nodes, "unreachable", (all) =>
      all.find(({ metadata, spec }) => metadata.name === "dies" && (spec?.taints?.length ?? 0) === 2),
    );
    assert.deepEqual(
      node.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`),
      ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
    );
    assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "Unknown");
    await cluster.until(resources.pods, "the pod went", (all) => all.length === 0);
    await beat("dies");
    await cluster.until(resources.nodes, "no taints", (all) =>
      all.every(({ spec }) => (spec?.taints?.length ?? 0) === 0),
    );
  });
});

describe("controlplane/controllers/nodelifecycle, two of three nodes lost", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({
      nodes: ["alive", "lost-1", "lost-2"],
      // One node is given up at once, the next three hours later.
      flags: ["--node-monitor-grace-period=60s", "--node-eviction-rate=0.0001"],
    });
  });
  after(() => cluster.stop());

  it("keeps new pods off both and evicts the pods of one, not of both at once", async () => {
    const conditions = [{ type: "Ready", status: "False", reason: "KubeletNotReady" }];
    for (const name of ["lost-1", "lost-2"])
      await cluster.client.patch(
        resources.nodes,
        { name },
        { status: { conditions } },
        { type: "strategic", subresource: "status" },
      );
    const lost = await cluster.until(resources.nodes, "both tainted", (all) => {
      const tainted = all.filter(({ spec }) => spec?.taints?.some(({ effect }) => effect === "NoSchedule"));
      const evicted = all.some(({ spec }) => spec?.taints?.some(({ effect }) => effect === "NoExecute"));
      return tainted.length === 2 && evicted ? tainted : undefined;
    });
    const effects = lost.map(({ spec }) => spec?.taints?.map(({ effect }) => effect).join());
    assert.deepEqual(effects.sort(), ["NoSchedule", "NoSchedule,NoExecute"]);
  });
});
