import assert from "node:assert/strict";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import { meta } from "../testing/objects.ts";
import { planGrowth } from "./plan-growth.ts";

const claim = (asked: string, has: string, more: object = {}) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta("data"),
    spec: { volumeName: "pv", resources: { requests: { storage: asked } } },
    status: { phase: "Bound", capacity: { storage: has }, ...more },
  }) as unknown as PersistentVolumeClaim;
const volume = (storage: string, more: object = {}) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: meta("pv", { annotations: { "pv.kubernetes.io/provisioned-by": "pintle.dev/local-path" } }),
    spec: {
      capacity: { storage },
      claimRef: { uid: "uid-data" },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["n"] }] }],
        },
      },
      ...more,
    },
  }) as unknown as PersistentVolume;

describe("controlplane/controllers/persistentvolume/plan-growth", () => {
  it("makes the volume larger, then says so in the claim, which is done with resizing", () => {
    const asks = claim("2Gi", "1Gi", {
      conditions: [
        { type: "Resizing", status: "True" },
        { type: "Other", status: "True" },
      ],
      allocatedResourceStatuses: { storage: "ControllerResizeInProgress" },
    });
    assert.deepEqual(planGrowth(asks, volume("1Gi")), { step: "growVolume", storage: "2Gi" });
    assert.deepEqual(planGrowth(asks, volume("2Gi")), {
      step: "tellClaim",
      status: {
        phase: "Bound",
        conditions: [{ type: "Other", status: "True" }],
        capacity: { storage: "2Gi" },
        allocatedResources: { storage: "2Gi" },
      },
    });
  });

  it("has nothing to do with what is large enough, unbound, another's or another claim's", () => {
    const nothing = { step: "nothing" };
    assert.deepEqual(planGrowth(claim("1024Mi", "1Gi"), volume("1Gi")), nothing);
    assert.deepEqual(planGrowth(claim("2Gi", "1Gi", { phase: "Lost" }), volume("1Gi")), nothing);
    assert.deepEqual(planGrowth(claim("2Gi", "1Gi"), undefined), nothing);
    assert.deepEqual(planGrowth(claim("2Gi", "1Gi"), volume("1Gi", { claimRef: { uid: "x" } })), nothing);
    const other = { ...volume("1Gi"), metadata: meta("pv") };
    assert.deepEqual(planGrowth(claim("2Gi", "1Gi"), other), nothing);
  });
});
