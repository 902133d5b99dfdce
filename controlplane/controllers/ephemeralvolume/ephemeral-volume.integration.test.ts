import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("controlplane/controllers/ephemeralvolume, in a cluster", function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  it("a pod's own claim comes and goes with the pod", async () => {
    const { client, until } = cluster;
    const ref = { namespace: "default", name: "job" };
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
    const pod = await client.create(resources.pods, {
      metadata: ref,
      spec: {
        containers: [{ name: "c", image: "i" }],
        volumes: [{ name: "scratch", ephemeral: { volumeClaimTemplate: { spec } } }],
      },
    });
    const claim = await until(resources.persistentvolumeclaims, "a claim", ([one]) => one);
    assert.equal(claim.metadata.name, "job-scratch");
    assert.equal(claim.metadata.ownerReferences?.[0]?.uid, pod.metadata.uid);
    await client.delete(resources.pods, ref, { gracePeriodSeconds: 0 });
    await until(resources.persistentvolumeclaims, "no claim", (all) => all.length === 0);
  });
});
