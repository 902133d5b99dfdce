import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

const accessModes = ["ReadWriteOnce"];
const volume = (name: string, more: object = {}) =>
  ({
    metadata: { name },
    spec: { accessModes, capacity: { storage: "1Gi" }, hostPath: { path: "/tmp/x" }, ...more },
  }) as never;
const claim = (name: string, more: object = {}) =>
  ({
    metadata: { name, namespace: "default" },
    spec: { accessModes, resources: { requests: { storage: "1Gi" } }, storageClassName: "", ...more },
  }) as never;

describe("persistentvolume-binder-controller", () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const claimIn = (name: string, phase: string) =>
    cluster.until(resources.persistentvolumeclaims, `claim ${name} is ${phase}`, (all) =>
      all.find((one: PersistentVolumeClaim) => one.metadata.name === name && one.status?.phase === phase),
    );
  const volumeIn = (name: string, phase: string) =>
    cluster.until(resources.persistentvolumes, `volume ${name} is ${phase}`, (all) =>
      all.find((one: PersistentVolume) => one.metadata.name === name && one.status?.phase === phase),
    );

  it("binds claim and volume to each other, whichever comes first, and keeps the volume when the claim goes", async () => {
    const { client } = cluster;
    await client.create(resources.persistentvolumeclaims, claim("early"));
    await client.create(resources.persistentvolumes, volume("v1"));
    const bound = await claimIn("early", "Bound");
    assert.deepEqual(
      [bound.spec.volumeName, bound.status?.capacity, bound.status?.accessModes],
      ["v1", { storage: "1Gi" }, accessModes],
    );
    assert.deepEqual(bound.metadata.annotations, {
      "pv.kubernetes.io/bind-completed": "yes",
      "pv.kubernetes.io/bound-by-controller": "yes",
    });
    const taken = await volumeIn("v1", "Bound");
    assert.equal(taken.spec.claimRef?.uid, bound.metadata.uid);
    await client.delete(resources.persistentvolumeclaims, { name: "early", namespace: "default" });
    await volumeIn("v1", "Released");
  });

  it("gives one volume to one of many claims, and the others the next ones", async () => {
    const { client } = cluster;
    for (const name of ["m1", "m2", "m3"])
      await client.create(resources.persistentvolumeclaims, claim(name, { volumeMode: "Block" }));
    for (const name of ["w1", "w2", "w3"])
      await client.create(resources.persistentvolumes, volume(name, { volumeMode: "Block" }));
    const names = ["m1", "m2", "m3"];
    const all = await Promise.all(names.map((name) => claimIn(name, "Bound")));
    assert.deepEqual(all.map(({ spec }) => spec.volumeName).sort(), ["w1", "w2", "w3"]);
  });

  it("loses a claim whose volume is taken away, and says so", async () => {
    const { client } = cluster;
    await client.create(
      resources.persistentvolumes,
      volume("kept", { claimRef: { name: "pre", namespace: "default" } }),
    );
    await client.create(resources.persistentvolumeclaims, claim("pre", { volumeName: "kept" }));
    await claimIn("pre", "Bound");
    const { metadata } = await volumeIn("kept", "Bound");
    assert.equal(metadata.annotations?.["pv.kubernetes.io/bound-by-controller"], undefined);
    // As if somebody forced it.
    await client.delete(resources.persistentvolumes, { name: "kept" });
    await client.patch(
      resources.persistentvolumes,
      { name: "kept" },
      { metadata: { finalizers: null } },
      { type: "merge" },
    );
    await claimIn("pre", "Lost");
    await cluster.until(resources.events, "an event", (events) =>
      events.some(
        ({ reason, message }) => reason === "ClaimLost" && message?.includes("Data on the volume is lost"),
      ),
    );
  });
});
