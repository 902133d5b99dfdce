import assert from "node:assert/strict";
import { localPathNode } from "../../../client/rules/local-path.ts";
import type { Node, PersistentVolume, PersistentVolumeClaim, StorageClass } from "../../../client/types.ts";
import { meta } from "../testing/objects.ts";
import { planLocalPath } from "./plan-local-path.ts";

const provisioner = "pintle.dev/local-path";
const chosen = {
  "volume.kubernetes.io/storage-provisioner": provisioner,
  "volume.kubernetes.io/selected-node": "n1",
};
const claim = (spec: object = {}, annotations: object = chosen): PersistentVolumeClaim =>
  ({
    metadata: meta("data", { annotations: annotations as Record<string, string> }),
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Mi" } },
      storageClassName: "local-path",
      ...spec,
    },
  }) as never;
const storageClass = (more: object = {}): StorageClass =>
  ({
    metadata: meta("local-path"),
    provisioner,
    volumeBindingMode: "WaitForFirstConsumer",
    ...more,
  }) as never;
const node = (annotations: object = { "pintle.dev/local-volumes": "/var/pintle/local-volumes" }): Node =>
  ({ metadata: meta("n1", { annotations: annotations as Record<string, string> }) }) as never;
const step = (one: PersistentVolumeClaim, of = storageClass(), on: Node | undefined = node()) =>
  planLocalPath({ claim: one, storageClass: of, node: on });

describe("planLocalPath", () => {
  it("makes a volume of the chosen node's own, kept for the claim", () => {
    const made = step(claim());
    assert.ok(made.kind === "make");
    const { metadata, spec } = made.volume as PersistentVolume;
    assert.equal(metadata.name, "pvc-uid-data");
    assert.equal(spec.local?.path, "/var/pintle/local-volumes/pvc-uid-data");
    assert.deepEqual(
      [spec.capacity, spec.persistentVolumeReclaimPolicy, spec.storageClassName, spec.claimRef?.uid],
      [{ storage: "1Mi" }, "Delete", "local-path", "uid-data"],
    );
    assert.equal(localPathNode(made.volume as PersistentVolume), "n1");
    const kept = step(claim(), storageClass({ reclaimPolicy: "Retain" }));
    assert.equal(kept.kind === "make" && kept.volume.spec.persistentVolumeReclaimPolicy, "Retain");
  });

  it("leaves claims of others, claims with a volume, and claims without a node alone", () => {
    const other = { ...chosen, "volume.kubernetes.io/storage-provisioner": "example.com/p" };
    assert.equal(step(claim({}, other)).kind, "nothing");
    assert.equal(step(claim({ volumeName: "v" })).kind, "nothing");
    const waiting = { "volume.kubernetes.io/storage-provisioner": provisioner };
    assert.equal(step(claim({}, waiting)).kind, "nothing");
  });

  it("refuses by name what a folder cannot be", () => {
    const why = (spec: object, of = storageClass()) => {
      const found = step(claim(spec), of);
      return found.kind === "fail" && !found.elsewhere ? found.message : found.kind;
    };
    assert.equal(why({ volumeMode: "Block" }), "volumeMode Block is not supported");
    assert.match(why({ accessModes: ["ReadWriteMany"] }), /^access mode ReadWriteMany is not supported/);
    assert.equal(why({ selector: {} }), "claim selector is not supported");
    assert.equal(
      why({ dataSource: { kind: "PersistentVolumeClaim", name: "x" } }),
      "dataSource is not supported",
    );
    assert.match(why({}, storageClass({ volumeBindingMode: "Immediate" })), /WaitForFirstConsumer/);
    assert.equal(why({}, storageClass({ parameters: { a: "b" } })), "parameters are not supported");
    assert.equal(why({}, storageClass({ mountOptions: ["ro"] })), "mountOptions are not supported");
  });

  it("gives back a node that is not there or keeps no volumes", () => {
    for (const on of [undefined, node({})]) {
      const found = planLocalPath({ claim: claim(), storageClass: storageClass(), node: on });
      assert.ok(found.kind === "fail" && found.elsewhere);
    }
  });
});
