import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

describe("controlplane/controllers/volumeprotection", function () {
  this.timeout(60_000);
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  it("a claim that is deleted stays until the last pod that uses it is gone", async () => {
    const { client, until } = cluster;
    const ref = { namespace: "default", name: "data" };
    const made = await client.create(resources.persistentvolumeclaims, { metadata: ref, spec });
    assert.deepEqual(made.metadata.finalizers, ["kubernetes.io/pvc-protection"]);
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
    const containers = [{ name: "c", image: "i" }];
    const user = { namespace: "default", name: "user" };
    await client.create(resources.pods, {
      metadata: user,
      spec: { nodeName: "node-1", containers, volumes },
    });
    await until(resources.pods, "the pod", ([one]) => one !== undefined);
    await client.delete(resources.persistentvolumeclaims, ref);
    // A second claim goes at once: the controller has passed the first one by then, and left it.
    const other = { namespace: "default", name: "unused" };
    await client.create(resources.persistentvolumeclaims, { metadata: other, spec });
    await client.delete(resources.persistentvolumeclaims, other);
    const left = await until(resources.persistentvolumeclaims, "only the used claim", (all) =>
      all.some(({ metadata }) => metadata.name === "unused") ? false : all,
    );
    assert.deepEqual(
      left.map(({ metadata }) => [metadata.name, metadata.deletionTimestamp !== undefined]),
      [["data", true]],
    );
    await client.delete(resources.pods, user, { gracePeriodSeconds: 0 });
    await until(resources.persistentvolumeclaims, "no claim", (all) => all.length === 0);
  });

  it("a volume that is deleted stays as long as a claim is bound to it", async () => {
    const { client, until } = cluster;
    const ref = { name: "disk" };
    const disk = (more: object = {}) => ({
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      hostPath: { path: "/d" },
      ...more,
    });
    const made = await client.create(resources.persistentvolumes, { metadata: ref, spec: disk() });
    assert.deepEqual(made.metadata.finalizers, ["kubernetes.io/pv-protection"]);
    const claim = { namespace: "default", name: "bound" };
    await client.create(resources.persistentvolumeclaims, {
      metadata: claim,
      spec: { ...spec, storageClassName: "", volumeName: "disk" },
    });
    await until(resources.persistentvolumes, "a bound volume", ([one]) => one?.status?.phase === "Bound");
    await client.delete(resources.persistentvolumes, ref);
    // A second volume goes at once: the controller has passed the first one by then, and left it.
    const other = { name: "unused" };
    await client.create(resources.persistentvolumes, { metadata: other, spec: disk() });
    await client.delete(resources.persistentvolumes, other);
    const left = await until(resources.persistentvolumes, "only the bound volume", (all) =>
      all.some(({ metadata }) => metadata.name === "unused") ? false : all,
    );
    assert.deepEqual(
      left.map(({ metadata, status }) => [metadata.name, status?.phase]),
      [["disk", "Bound"]],
    );
    await client.delete(resources.persistentvolumeclaims, claim);
    await until(resources.persistentvolumes, "no volume", (all) => all.length === 0);
  });

  it("a class of volume attributes that is deleted stays as long as a claim names it", async () => {
    const { client, until } = cluster;
    const ref = { name: "fast" };
    const made = await client.create(resources.volumeattributesclasses, {
      metadata: ref,
      driverName: "driver.example.com",
      parameters: { iops: "9000" },
    });
    assert.deepEqual(made.metadata.finalizers, ["kubernetes.io/vac-protection"]);
    const claim = { namespace: "default", name: "quick" };
    await client.create(resources.persistentvolumeclaims, {
      metadata: claim,
      spec: { ...spec, volumeAttributesClassName: "fast" },
    });
    await client.delete(resources.volumeattributesclasses, ref);
    // A second class goes at once: the controller has passed the first one by then, and left it.
    const other = { name: "unused" };
    await client.create(resources.volumeattributesclasses, {
      metadata: other,
      driverName: "driver.example.com",
      parameters: { iops: "1" },
    });
    await client.delete(resources.volumeattributesclasses, other);
    const left = await until(resources.volumeattributesclasses, "only the used class", (all) =>
      all.some(({ metadata }) => metadata.name === "unused") ? false : all,
    );
    assert.deepEqual(
      left.map(({ metadata }) => metadata.name),
      ["fast"],
    );
    await client.delete(resources.persistentvolumeclaims, claim);
    await until(resources.volumeattributesclasses, "no class", (all) => all.length === 0);
  });
});
