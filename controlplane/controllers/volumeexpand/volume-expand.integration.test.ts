import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const accessModes = ["ReadWriteOnce"];

describe("claims that ask for more, in a cluster", function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  /** A claim bound to a volume made by hand, of a class that allows it to grow. */
  async function bound(name: string, volume: object, annotations: Record<string, string> = {}) {
    const { client, until } = cluster;
    const storageClassName = `class-${name}`;
    await client.create(resources.storageclasses, {
      metadata: { name: storageClassName },
      provisioner: "d.acme.io",
      allowVolumeExpansion: true,
    });
    const ref = { namespace: "default", name };
    await client.create(resources.persistentvolumes, {
      metadata: { name, annotations },
      spec: { accessModes, capacity: { storage: "1Gi" }, storageClassName, claimRef: ref, ...volume },
    });
    await client.create(resources.persistentvolumeclaims, {
      metadata: ref,
      spec: {
        accessModes,
        storageClassName,
        volumeName: name,
        resources: { requests: { storage: "1Gi" } },
      },
    });
    await until(resources.persistentvolumeclaims, "bound", (all) =>
      all.some((one) => one.metadata.name === name && one.status?.phase === "Bound"),
    );
    await client.patch(
      resources.persistentvolumeclaims,
      ref,
      { spec: { resources: { requests: { storage: "2Gi" } } } },
      { type: "merge" },
    );
  }

  it("wait for the one who makes their driver's volumes larger, and say so", async () => {
    await bound("disk", { csi: { driver: "d.acme.io", volumeHandle: "h" } });
    const event = await cluster.until(resources.events, "an event", (all) =>
      all.find(({ reason }) => reason === "ExternalExpanding"),
    );
    assert.equal(event.message, "waiting for an external controller to expand this PVC");
    assert.deepEqual([event.involvedObject.name, event.source?.component], ["disk", "volume_expand"]);
  });

  it("get it at once where the volume is a folder of a node", async () => {
    const matchFields = [{ key: "metadata.name", operator: "In", values: ["n1"] }];
    await bound(
      "folder",
      {
        local: { path: "/x" },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields }] } },
      },
      { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" },
    );
    const grown = await cluster.until(resources.persistentvolumeclaims, "grown", (all) =>
      all.find(({ metadata, status }) => metadata.name === "folder" && status?.capacity?.storage === "2Gi"),
    );
    assert.deepEqual(grown.status?.allocatedResources, { storage: "2Gi" });
    const volume = await cluster.client.get(resources.persistentvolumes, { name: "folder" });
    assert.equal(volume.spec.capacity?.storage, "2Gi");
  });
});
