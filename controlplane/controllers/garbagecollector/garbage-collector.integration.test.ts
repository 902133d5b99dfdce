import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/garbagecollector", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const deploy = async (name: string) => {
    await cluster.kubectl("create", "deployment", name, "--image=a:1", "--replicas=2");
    await cluster.until(resources.pods, "two pods run", (pods) => {
      const own = pods.filter(({ metadata }) => metadata.labels?.app === name);
      return own.length === 2 && own.every(({ status }) => status?.phase === "Running");
    });
  };
  const left = (name: string) => (objects: readonly { metadata: { labels?: Record<string, string> } }[]) =>
    objects.filter(({ metadata }) => metadata.labels?.app === name).length;

  it("removes what a deleted deployment leaves behind", async () => {
    await deploy("back");
    await cluster.kubectl("delete", "deployment", "back");
    await cluster.until(resources.replicasets, "no ReplicaSet", (all) => left("back")(all) === 0);
    await cluster.until(resources.pods, "no pod", (all) => left("back")(all) === 0);
  });

  it("keeps the owner until its dependents went, in foreground", async () => {
    await deploy("fore");
    await cluster.kubectl("delete", "deployment", "fore", "--cascade=foreground", "--timeout=15s");
    const { items } = await cluster.client.list(resources.replicasets);
    assert.equal(left("fore")(items), 0);
  });

  it("lets dependents go when told to orphan them", async () => {
    await deploy("free");
    await cluster.kubectl("delete", "deployment", "free", "--cascade=orphan", "--timeout=15s");
    const { items } = await cluster.client.list(resources.replicasets);
    const [replicaSet] = items.filter(({ metadata }) => metadata.labels?.app === "free");
    assert.ok(replicaSet);
    assert.deepEqual(replicaSet.metadata.ownerReferences ?? [], []);
  });

  it("removes what names an owner that never was, and keeps what has one owner left", async () => {
    const owner = await cluster.client.create(resources.configmaps, {
      metadata: { name: "owner", namespace: "default" },
    });
    const there = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid };
    const never = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "nobody",
      uid: "3c9e1a52-0000-4000-8000-000000000000",
    };
    const create = (name: string, ownerReferences: (typeof there)[]) =>
      cluster.client.create(resources.configmaps, {
        metadata: { name, namespace: "default", ownerReferences },
      });
    await create("lost", [never]);
    await create("kept", [never, there]);
    await cluster.until(resources.configmaps, "lost goes, kept drops the owner that never was", (all) => {
      const kept = all.find(({ metadata }) => metadata.name === "kept");
      return (
        !all.some(({ metadata }) => metadata.name === "lost") && kept?.metadata.ownerReferences?.length === 1
      );
    });
  });
});
