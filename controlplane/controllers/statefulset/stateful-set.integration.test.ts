import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { assertTakenOver } from "../testing/taken-over.ts";

describe("controlplane/controllers/statefulset with the real kubectl", function () {
  this.timeout(120_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ nodes: ["a", "b"] });
    await cluster.client.create(resources.statefulsets, {
      metadata: { name: "db", namespace: "default" },
      spec: {
        replicas: 2,
        serviceName: "db",
        selector: { matchLabels: { d: "b" } },
        template: { metadata: { labels: { d: "b" } }, spec: { containers: [{ name: "c", image: "a:1" }] } },
        volumeClaimTemplates: [
          {
            metadata: { name: "data" },
            spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
          },
        ],
        persistentVolumeClaimRetentionPolicy: { whenScaled: "Delete" },
      },
    });
  });
  after(() => cluster.stop());

  const podsNow = async () => {
    const { items } = await cluster.client.list(resources.pods);
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(
        ({ metadata, spec }) =>
          `${metadata.name} ${spec.hostname}.${spec.subdomain} ${spec.containers[0]?.image}`,
      )
      .sort();
  };
  const claimsNow = async () => {
    const { items } = await cluster.client.list(resources.persistentvolumeclaims);
    return items.map(({ metadata }) => metadata.name).sort();
  };
  const rolledOut = () => cluster.kubectl("rollout", "status", "statefulset/db", "--timeout=20s");
  const until = (what: string, replicas: number) =>
    cluster.until(
      resources.statefulsets,
      what,
      ([one]) => one?.status?.availableReplicas === replicas && one.status.replicas === replicas,
    );

  it("makes pods by name with a claim each", async () => {
    await until("two available", 2);
    assert.deepEqual(await podsNow(), ["db-0 db-0.db a:1", "db-1 db-1.db a:1"]);
    assert.deepEqual(await claimsNow(), ["data-db-0", "data-db-1"]);
  });

  it("rolls to a new image and back, and knows its history", async () => {
    await cluster.kubectl("set", "image", "statefulset/db", "c=a:2");
    assert.match(await rolledOut(), /rolling update complete|partitioned roll out complete/);
    assert.deepEqual(await podsNow(), ["db-0 db-0.db a:2", "db-1 db-1.db a:2"]);
    assert.match(await cluster.kubectl("rollout", "history", "statefulset/db"), /^1 .*\n2 /m);
    await cluster.kubectl("rollout", "undo", "statefulset/db");
    await rolledOut();
    assert.deepEqual(await podsNow(), ["db-0 db-0.db a:1", "db-1 db-1.db a:1"]);
  });

  it("takes over the pods and the history of one of its name that left them", async () => {
    await assertTakenOver(
      cluster,
      resources.statefulsets,
      "db",
      ({ status }) => status?.availableReplicas === 2,
    );
    assert.match(await rolledOut(), /roll/);
  });

  it("scales, and lets the claim go with the pod where it is told to", async () => {
    await cluster.kubectl("scale", "statefulset/db", "--replicas=1");
    await until("one left", 1);
    await cluster.until(
      resources.persistentvolumeclaims,
      "its claim is gone",
      (claims) => claims.length === 1 && claims[0]?.metadata.name === "data-db-0",
    );
  });
});
