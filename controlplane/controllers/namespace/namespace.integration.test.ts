import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/namespace and serviceaccount", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  it("gives every namespace its service account and the cluster's authority", async () => {
    await cluster.kubectl("create", "namespace", "full");
    await cluster.until(resources.serviceaccounts, "default in full", (all) =>
      all.some(({ metadata }) => metadata.namespace === "full" && metadata.name === "default"),
    );
    const map = await cluster.until(resources.configmaps, "kube-root-ca.crt in full", (all) =>
      all.find(({ metadata }) => metadata.namespace === "full" && metadata.name === "kube-root-ca.crt"),
    );
    assert.match(map.data?.["ca.crt"] ?? "", /BEGIN CERTIFICATE/);
  });

  it("takes all content along when deleted", async () => {
    await cluster.kubectl("-n", "full", "create", "deployment", "web", "--image=a:1", "--replicas=2");
    await cluster.kubectl("-n", "full", "create", "configmap", "settings", "--from-literal=a=b");
    await cluster.until(
      resources.pods,
      "pods run",
      (all) => all.filter((p) => p.status?.phase === "Running").length === 2,
    );
    await cluster.kubectl("delete", "namespace", "full", "--timeout=20s");
    for (const resource of [resources.pods, resources.configmaps, resources.deployments] as const) {
      const { items } = await cluster.client.list<{ metadata: { namespace?: string } }>(resource);
      assert.deepEqual(
        items.filter(({ metadata }) => metadata.namespace === "full"),
        [],
      );
    }
  });

  it("takes nothing that pods use while pods remain", async () => {
    await cluster.kubectl("create", "namespace", "slow");
    await cluster.client.create(resources.configmaps, { metadata: { name: "used", namespace: "slow" } });
    const ref = { name: "lasting", namespace: "slow" };
    await cluster.client.create(resources.pods, {
      metadata: { ...ref, finalizers: ["example.com/wait"] },
      spec: { containers: [{ name: "c", image: "a:1" }] },
    });
    await cluster.kubectl("delete", "namespace", "slow", "--wait=false");
    const said = await cluster.until(resources.namespaces, "pods remain", (all) =>
      all
        .find(({ metadata }) => metadata.name === "slow")
        ?.status?.conditions?.find(
          ({ type, status }) => type === "NamespaceContentRemaining" && status === "True",
        ),
    );
    assert.equal(said.message, "Some resources are remaining: pods. has 1 resource instances");
    const { metadata } = await cluster.client.get(resources.configmaps, { name: "used", namespace: "slow" });
    assert.equal(metadata.deletionTimestamp, undefined);
    const freed = { metadata: { finalizers: null } };
    await cluster.client.patch(resources.pods, ref, freed, { type: "merge" });
    await cluster.until(resources.namespaces, "slow is gone", (all) =>
      all.every((one) => one.metadata.name !== "slow"),
    );
  });

  it("says what holds a namespace up", async () => {
    await cluster.kubectl("create", "namespace", "held");
    await cluster.client.create(resources.configmaps, {
      metadata: { name: "stuck", namespace: "held", finalizers: ["example.com/wait"] },
    });
    await cluster.kubectl("delete", "namespace", "held", "--wait=false");
    const held = await cluster.until(resources.namespaces, "conditions", (all) =>
      all.find(({ metadata, status }) => metadata.name === "held" && (status?.conditions?.length ?? 0) > 0),
    );
    const said = held.status?.conditions?.find(({ type }) => type === "NamespaceFinalizersRemaining");
    assert.equal(
      said?.message,
      "Some content in the namespace has finalizers remaining: example.com/wait in 1 resource instances",
    );
    const ref = { name: "stuck", namespace: "held" };
    await cluster.client.patch(
      resources.configmaps,
      ref,
      { metadata: { finalizers: null } },
      { type: "merge" },
    );
    await cluster.until(resources.namespaces, "held is gone", (all) =>
      all.every(({ metadata }) => metadata.name !== "held"),
    );
  });
});
