const assert = require("node:assert/strict");
const { startCluster } = require("pintle");

const deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "example.com/web:1" }] },
    },
  },
};

describe("the deployment of web", () => {
  let cluster;
  before(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  after(() => cluster?.stop());

  it("gets ready", async () => {
    await cluster.client.apply(deployment);
    const { status } = await cluster.untilReady(deployment);
    assert.equal(status.readyReplicas, 3);
  });
});
