import assert from "node:assert/strict";
import { isForbidden } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/resourcequota", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ config: { disabledAdmission: ["ServiceAccount"] } });
  });
  after(() => cluster.stop());

  const makeQuota = (namespace: string, hard: { [name: string]: string }) =>
    cluster.client.create(resources.resourcequotas, { metadata: { name: "q", namespace }, spec: { hard } });
  const used = (namespace: string, amounts: { [name: string]: string }) =>
    cluster.until(resources.resourcequotas, `${JSON.stringify(amounts)} used in ${namespace}`, (all) => {
      const quota = all.find(({ metadata }) => metadata.namespace === namespace);
      return Object.entries(amounts).every(([name, amount]) => quota?.status?.used?.[name] === amount);
    });
  const makePod = (namespace: string, name: string) =>
    cluster.client.create(resources.pods, {
      metadata: { name, namespace },
      spec: { containers: [{ name: "c", image: "i" }] },
    });

  it("counts what was there before the quota, and lets new objects in as old ones go", async () => {
    await cluster.client.create(resources.namespaces, { metadata: { name: "counted" } });
    const metadata = { name: "early", namespace: "counted" };
    await cluster.client.create(resources.configmaps, { metadata });
    await makeQuota("counted", { "count/configmaps": "3", pods: "2", services: "1" });
    // One is the namespace's own kube-root-ca.crt.
    await used("counted", { "count/configmaps": "2", pods: "0", services: "0" });
    await makePod("counted", "a");
    await makePod("counted", "b");
    await assert.rejects(makePod("counted", "c"), isForbidden);
    await cluster.client.delete(resources.pods, { name: "a", namespace: "counted" });
    await used("counted", { pods: "1" });
    await makePod("counted", "c");
    await used("counted", { pods: "2" });
    await cluster.client.delete(resources.configmaps, metadata);
    await used("counted", { "count/configmaps": "1" });
  });

  it("is right after creations and deletions that cross", async () => {
    await cluster.client.create(resources.namespaces, { metadata: { name: "crossing" } });
    await makeQuota("crossing", { "count/secrets": "10" });
    await used("crossing", { "count/secrets": "0" });
    let most = 0;
    const secrets = { ...resources.secrets };
    const churn = async (lane: number) => {
      for (let round = 0; round < 8; round++) {
        const metadata = { name: `s-${lane}-${round}`, namespace: "crossing" };
        try {
          await cluster.client.create(secrets, { metadata });
        } catch (error) {
          if (!isForbidden(error)) throw error;
          continue;
        }
        const { items } = await cluster.client.list(secrets, { namespace: "crossing" });
        most = Math.max(most, items.length);
        if (round % 2 === 0) await cluster.client.delete(secrets, metadata);
      }
    };
    await Promise.all([0, 1, 2, 3].map(churn));
    const { items } = await cluster.client.list(secrets, { namespace: "crossing" });
    assert.ok(most <= 10, `${most} at once`);
    await used("crossing", { "count/secrets": String(items.length) });
  });

  it("takes new limits over, and counts kinds that come to be served", async () => {
    await cluster.client.create(resources.namespaces, { metadata: { name: "new-limits" } });
    await makeQuota("new-limits", { "count/deployments.apps": "1" });
    await used("new-limits", { "count/deployments.apps": "0" });
    await cluster.client.patch(
      resources.resourcequotas,
      { name: "q", namespace: "new-limits" },
      { spec: { hard: { "count/deployments.apps": "2", "count/cronjobs.batch": "1" } } },
      { type: "merge" },
    );
    await used("new-limits", { "count/deployments.apps": "0", "count/cronjobs.batch": "0" });
  });

  it("counts objects of a definition that comes after the quota which names its kind, as soon as it is served", async () => {
    await cluster.client.create(resources.namespaces, { metadata: { name: "defined-later" } });
    await makeQuota("defined-later", { "count/secrets": "5", "count/things.example.com": "3" });
    await used("defined-later", { "count/secrets": "0" });
    const names = { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" };
    const schema = { openAPIV3Schema: { type: "object" } };
    await cluster.client.raw("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names,
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    });
    await used("defined-later", { "count/secrets": "0", "count/things.example.com": "0" });
  });
});
