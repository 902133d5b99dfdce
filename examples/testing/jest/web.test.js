import { startCluster } from "pintle";

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
  beforeAll(async () => {
    cluster = await startCluster({ nodes: 2 });
  });
  afterAll(() => cluster?.stop());

  it("gets ready", async () => {
    await cluster.client.apply(deployment);
    const { status } = await cluster.untilReady(deployment);
    expect(status.readyReplicas).toBe(3);
  });
});
