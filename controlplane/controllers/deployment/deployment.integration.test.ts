import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { Deployment, Draft } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const web = (image: string): Draft<Deployment> => ({
  metadata: { name: "web", namespace: "default" },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
  },
});

describe("controlplane/controllers/deployment with the real kubectl", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
    await cluster.client.create(resources.deployments, web("a:1"));
  });
  after(() => cluster.stop());

  it("rolls out", async () => {
    const out = await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s");
    assert.match(out, /successfully rolled out/);
    const [deployment] = (await cluster.client.list(resources.deployments)).items;
    assert.equal(deployment?.status?.readyReplicas, 3);
    assert.equal(deployment?.metadata.annotations?.["deployment.kubernetes.io/revision"], "1");
  });

  it("rolls over to a new image, keeps history, and goes back", async () => {
    await cluster.kubectl("set", "image", "deployment/web", "web=a:2");
    assert.match(
      await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s"),
      /successfully rolled out/,
    );
    const history = await cluster.kubectl("rollout", "history", "deployment/web");
    assert.match(history, /^1 +<none>\n2 +<none>/m);
    await cluster.kubectl("rollout", "undo", "deployment/web");
    assert.match(
      await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s"),
      /successfully rolled out/,
    );
    const images = (await cluster.client.list(resources.pods)).items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec.containers[0]?.image);
    assert.deepEqual(images, ["a:1", "a:1", "a:1"]);
    assert.match(await cluster.kubectl("rollout", "history", "deployment/web"), /^2 +<none>\n3 +<none>/m);
  });

  it("scales, replaces a deleted pod, and tells of it in events", async () => {
    await cluster.kubectl("scale", "deployment/web", "--replicas=5");
    await cluster.until(resources.deployments, "five ready", ([one]) => one?.status?.readyReplicas === 5);
    const [pod] = (await cluster.client.list(resources.pods)).items;
    assert.ok(pod);
    await cluster.client.delete(resources.pods, pod.metadata);
    await cluster.until(
      resources.pods,
      "another in its place",
      (pods) =>
        pods.every(({ metadata }) => metadata.uid !== pod.metadata.uid) &&
        pods.filter(({ status }) => status?.phase === "Running").length === 5,
    );
    await cluster.until(resources.events, "events of scaling", (events) =>
      events.some(({ message }) => /Scaled up replica set web-\w+ from 3 to 5/.test(message ?? "")),
    );
  });

  it("counts the pods that are on their way out until they are gone", async () => {
    const [pod] = (await cluster.client.list(resources.pods)).items;
    assert.ok(pod);
    const finalizers = ["example.com/held"];
    await cluster.client.patch(resources.pods, pod.metadata, { metadata: { finalizers } }, { type: "merge" });
    await cluster.client.delete(resources.pods, pod.metadata);
    await cluster.until(
      resources.deployments,
      "one on its way out",
      ([one]) => one?.status?.terminatingReplicas === 1,
    );
    await cluster.client.patch(
      resources.pods,
      pod.metadata,
      { metadata: { finalizers: null } },
      { type: "merge" },
    );
    await cluster.until(
      resources.deployments,
      "none any more",
      ([one]) => one?.status?.terminatingReplicas === 0,
    );
  });

  it("does nothing while paused, and goes on when resumed", async () => {
    await cluster.kubectl("rollout", "pause", "deployment/web");
    await cluster.kubectl("set", "image", "deployment/web", "web=a:3");
    await cluster.until(resources.deployments, "paused", ([one]) =>
      one?.status?.conditions?.some(({ reason }) => reason === "DeploymentPaused"),
    );
    assert.equal((await cluster.client.list(resources.replicasets)).items.length, 2);
    await cluster.kubectl("rollout", "resume", "deployment/web");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=20s");
    assert.equal((await cluster.client.list(resources.replicasets)).items.length, 3);
  });
});
