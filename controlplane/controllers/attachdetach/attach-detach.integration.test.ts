import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { VolumeAttachment } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const finalizer = "external-attacher/d-acme-io";

describe("controlplane/controllers/attachdetach, in a cluster", function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ nodes: ["n1"] });
  });
  after(() => cluster.stop());

  /** What the external-attacher of a CSI driver writes. */
  const answer = async ({ metadata }: VolumeAttachment, attached: boolean) => {
    const { name } = metadata;
    const finalizers = attached ? [finalizer] : [];
    await cluster.client.patch(
      resources.volumeattachments,
      { name },
      { metadata: { finalizers } },
      { type: "merge" },
    );
    if (attached)
      await cluster.client.patch(
        resources.volumeattachments,
        { name },
        { status: { attached } },
        { type: "merge", subresource: "status" },
      );
  };

  it("a driver is asked to attach and to detach, and nodes are told", async () => {
    const { client, until } = cluster;
    await client.patch(
      resources.nodes,
      { name: "n1" },
      { metadata: { annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" } } },
      { type: "merge" },
    );
    const ref = { namespace: "default", name: "data" };
    const sizes = { accessModes: ["ReadWriteOnce"], storageClassName: "" };
    await client.create(resources.persistentvolumes, {
      metadata: { name: "disk" },
      spec: {
        ...sizes,
        capacity: { storage: "1Gi" },
        claimRef: ref,
        csi: { driver: "d.acme.io", volumeHandle: "h" },
      },
    });
    await client.create(resources.persistentvolumeclaims, {
      metadata: ref,
      spec: { ...sizes, volumeName: "disk", resources: { requests: { storage: "1Gi" } } },
    });
    const pod = { namespace: "default", name: "user" };
    await client.create(resources.pods, {
      metadata: pod,
      spec: {
        nodeName: "n1",
        containers: [{ name: "c", image: "i" }],
        volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }],
      },
    });
    const asked = await until(resources.volumeattachments, "an attachment", ([one]) => one);
    assert.deepEqual(asked.spec, {
      attacher: "d.acme.io",
      nodeName: "n1",
      source: { persistentVolumeName: "disk" },
    });
    await answer(asked, true);
    const name = "kubernetes.io/csi/d.acme.io^h";
    const shows = (attached: boolean) =>
      until(
        resources.nodes,
        `attached: ${attached}`,
        ([one]) => (one?.status?.volumesAttached ?? []).some((volume) => volume.name === name) === attached,
      );
    await shows(true);
    await client.delete(resources.pods, pod, { gracePeriodSeconds: 0 });
    await shows(false);
    const going = await until(
      resources.volumeattachments,
      "asked to detach",
      ([one]) => one?.metadata.deletionTimestamp !== undefined && one,
    );
    await answer(going, false);
    await until(resources.volumeattachments, "none", (all) => all.length === 0);
  });
});
