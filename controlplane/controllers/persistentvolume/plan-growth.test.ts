import assert from "node:assert/strict";
import fc from "fast-check";
import { compareQuantities } from "../../../base/quantity.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../client/types.ts";
import { meta } from "../testing/objects.ts";
import { asksForMore, type GrowthStep, planGrowth } from "./plan-growth.ts";

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

  describe("in any life", () => {
    const sizes = ["500Mi", "1Gi", "1024Mi", "1536Mi", "1.5Gi", "2000000000", "2Gi", "2147483648", "1Ti"];
    const size = fc.constantFrom(...sizes);
    const isLess = (a: string, b: string) => compareQuantities(a, b) < 0;
    const conditions = ["Resizing", "FileSystemResizePending", "ModifyingVolume"].map((type) => ({
      type,
      status: "True",
    }));

    /** A claim and its volume. What is written is what is planned; a step may be the last of its process. */
    class Model {
      claim: PersistentVolumeClaim;
      volume: PersistentVolume;

      constructor(asked: string, said: string, has: string) {
        this.claim = claim(asked, said);
        this.volume = volume(has);
      }

      ask(storage: string): void {
        this.claim = { ...this.claim, spec: { ...this.claim.spec, resources: { requests: { storage } } } };
      }

      tell(): void {
        this.claim = { ...this.claim, status: { ...this.claim.status, conditions } };
      }

      step(): GrowthStep["step"] {
        const plan = planGrowth(this.claim, this.volume);
        const { storage: has = "0" } = this.volume.spec.capacity ?? {};
        const { storage: asked = "0" } = this.claim.spec.resources?.requests ?? {};
        if (plan.step === "growVolume") {
          assert.ok(isLess(has, plan.storage), `from ${has} to ${plan.storage}`);
          assert.equal(plan.storage, asked);
          this.volume = {
            ...this.volume,
            spec: { ...this.volume.spec, capacity: { storage: plan.storage } },
          };
        }
        if (plan.step === "tellClaim") {
          assert.equal(plan.status.capacity?.storage, has, "the claim says what there is");
          assert.ok(!isLess(has, asked), "what there is is enough");
          this.claim = { ...this.claim, status: plan.status };
        }
        return plan.step;
      }
    }

    it("never becomes smaller, says what it has, and ends as large as it is asked for", () => {
      const happening = fc.oneof(
        fc.record({ what: fc.constant("ask" as const), storage: size }),
        fc.record({ what: fc.constantFrom("tell" as const, "step" as const), storage: size }),
      );
      fc.assert(
        fc.property(size, size, size, fc.array(happening), (asked, said, has, events) => {
          const model = new Model(asked, said, has);
          for (const { what, storage } of events)
            if (what === "ask") model.ask(storage);
            else model[what]();
          const steps = [model.step(), model.step(), model.step()];
          assert.equal(steps[2], "nothing", `it ends: ${steps.join(", ")}`);
          assert.equal(asksForMore(model.claim), false);
          if (!steps.includes("tellClaim")) return;
          const left = (model.claim.status?.conditions ?? []).map(({ type }) => type);
          assert.ok(left.every((type) => type === "ModifyingVolume"));
          assert.equal(model.claim.status?.phase, "Bound");
        }),
        { numRuns: 500 },
      );
    });
  });
});
