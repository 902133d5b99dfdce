import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { volumeExpandController } from "./volume-expand-controller.ts";

describe("a claim that asks for more than it has", () => {
  /** The events of a claim whose volume is such a one. */
  async function eventsOf(volume: object, annotations: Record<string, string> = {}) {
    const api = new FakeApi();
    const claim = {
      metadata: { name: "c", namespace: "n", uid: "u" },
      spec: { volumeName: "v", resources: { requests: { storage: "2Gi" } } },
      status: { phase: "Bound", capacity: { storage: "1Gi" } },
    };
    await api.create(resources.persistentvolumeclaims, claim as unknown as PersistentVolumeClaim);
    await api.create(resources.persistentvolumes, {
      metadata: { name: "v", annotations },
      spec: { claimRef: { uid: "u" }, ...volume },
    } as unknown as PersistentVolume);
    const rig = await controllerRig(volumeExpandController, { api });
    await rig.settle();
    await rig.stop();
    return rig.events;
  }

  it("is told that it waits for somebody outside, and is not where our own provisioner does it", async () => {
    assert.deepEqual(await eventsOf({ csi: { driver: "d", volumeHandle: "h" } }), [
      "Normal ExternalExpanding: waiting for an external controller to expand this PVC",
    ]);
    const matchFields = [{ key: "metadata.name", operator: "In", values: ["n1"] }];
    const folder = {
      local: { path: "/x" },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields }] } },
    };
    const ours = { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" };
    assert.deepEqual(await eventsOf(folder, ours), []);
    assert.equal((await eventsOf(folder)).length, 1);
  });
});
