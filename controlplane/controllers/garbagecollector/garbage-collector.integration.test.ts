import assert from "node:assert/strict";
import { isNotFound } from "../../../client/api-error.ts";
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

  it("removes what a custom resource leaves behind that went before its kind was followed", async () => {
    const post = async (path: string, body: object) =>
      JSON.parse(await cluster.client.raw("POST", path, body)) as { readonly metadata: { uid: string } };
    const names = { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" };
    const schema = { openAPIV3Schema: { type: "object" } };
    await post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names,
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    });
    const things = "/apis/example.com/v1/namespaces/default/things";
    const reference = { apiVersion: "example.com/v1", kind: "Thing", name: "short" };
    const made = await until(() => post(things, { ...reference, metadata: { name: "short" } }));
    await cluster.client.create(resources.configmaps, {
      metadata: {
        name: "of-short",
        namespace: "default",
        ownerReferences: [{ ...reference, uid: made.metadata.uid }],
      },
    });
    await cluster.client.raw("DELETE", `${things}/short`);
    await cluster.until(
      resources.configmaps,
      "it goes",
      (all) => !all.some(({ metadata }) => metadata.name === "of-short"),
    );
  });
});

/** What becomes possible some time soon. */
async function until<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await attempt();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
}
