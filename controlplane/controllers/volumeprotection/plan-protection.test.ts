import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import type { PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { ago, meta, pod } from "../testing/objects.ts";
import { claimFinalizer, protectionStep, usesClaim } from "./plan-protection.ts";
import { claimProtectionController } from "./protection-controllers.ts";

const claim = (name: string, more: object = {}) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta(name, more),
    spec: {},
  }) as PersistentVolumeClaim;

describe("controlplane/controllers/volumeprotection/plan-protection", () => {
  it("adds the finalizer to what stays, and looks for users of what goes", () => {
    const finalizers = ["example.com/a", claimFinalizer];
    const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
    assert.equal(protectionStep(claim("c"), claimFinalizer), "add");
    assert.equal(protectionStep(claim("c", { finalizers }), claimFinalizer), "nothing");
    assert.equal(protectionStep(claim("c", { finalizers, ...going }), claimFinalizer), "removeIfUnused");
    assert.equal(protectionStep(claim("c", going), claimFinalizer), "nothing");
  });

  it("takes a claim for used by pods on nodes only, and by their own volumes' claims", () => {
    const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
    assert.equal(usesClaim(pod("p", { node: "n", spec: { volumes } }), claim("data")), true);
    assert.equal(usesClaim(pod("p", { spec: { volumes } }), claim("data")), false);
    assert.equal(usesClaim(pod("p", { node: "n", spec: { volumes } }), claim("other")), false);
    const elsewhere = claim("data", { namespace: "elsewhere" });
    assert.equal(usesClaim(pod("p", { node: "n", spec: { volumes } }), elsewhere), false);
    const own = pod("p", { node: "n", spec: { volumes: [{ name: "v", ephemeral: {} }] } });
    assert.equal(usesClaim(own, claim("p-v")), false);
    const ownerReferences = [
      { apiVersion: "v1", kind: "Pod", name: "p", uid: own.metadata.uid, controller: true },
    ];
    assert.equal(usesClaim(own, claim("p-v", { ownerReferences })), true);
  });

  /** A pod whose own volume's claim is `p-v`, kept by a finalizer that waits for that claim. */
  const owner = (more: object = {}) =>
    pod("p", {
      node: "n",
      spec: { volumes: [{ name: "v", ephemeral: {} }] },
      meta: { finalizers: ["foregroundDeletion"], ...more },
    });
  const own = (more: object = {}) =>
    claim("p-v", {
      ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p", uid: "uid-p", controller: true }],
      ...more,
    });

  it("lets a pod's own claim go once the pod is shut down, though finalizers keep the pod", async () => {
    const rig = await controllerRig(claimProtectionController);
    const { api } = rig;
    await api.create(resources.pods, owner({ deletionTimestamp: ago(1), deletionGracePeriodSeconds: 30 }));
    await api.create(
      resources.persistentvolumeclaims,
      own({ finalizers: [claimFinalizer, "x/y"], deletionTimestamp: ago(1) }),
    );
    await rig.settle();
    const finalizers = () => api.all(resources.persistentvolumeclaims)[0]?.metadata.finalizers;
    assert.deepEqual(finalizers(), [claimFinalizer, "x/y"]);
    await api.patch(
      resources.pods,
      { namespace: "default", name: "p" },
      { metadata: { deletionGracePeriodSeconds: 0 } },
      { type: "merge" },
    );
    await rig.settle();
    assert.deepEqual(finalizers(), ["x/y"]);
    await rig.stop();
  });

  it("in any life never takes the finalizer from a claim that a pod on a node needs, and at last from each", async () => {
    const step = fc.constantFrom("delete claim", "end", "shut down", "remove", "come");
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.boolean(),
        fc.array(step, { maxLength: 8 }),
        async (isOwn, isPlaced, life) => {
          const rig = await controllerRig(claimProtectionController);
          const { api } = rig;
          const ref = { namespace: "default", name: isOwn ? "p-v" : "data" };
          const at = { namespace: "default", name: "p" };
          const volumes = isOwn
            ? [{ name: "v", ephemeral: {} }]
            : [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
          const user = pod("p", {
            spec: { volumes },
            ...(isPlaced && { node: "n" }),
            meta: { finalizers: ["x/y"] },
          });
          await api.create(resources.persistentvolumeclaims, isOwn ? own() : claim("data"));
          await api.create(resources.pods, user);
          await rig.settle();
          const change = (metadata: object) => api.patch(resources.pods, at, { metadata }, { type: "merge" });
          const needs = (one: Pod) => {
            const { deletionTimestamp, deletionGracePeriodSeconds } = one.metadata;
            const isShut = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0;
            return isPlaced && !(isOwn && isShut);
          };
          let isGoing = false;
          for (const what of [...life, "delete claim", "remove"]) {
            const [there] = api.all(resources.pods);
            const isThere = api.all(resources.persistentvolumeclaims).length > 0;
            if (what === "delete claim" && isThere) {
              isGoing = true;
              await api.delete(resources.persistentvolumeclaims, ref);
            } else if (what === "come" && there === undefined) await api.create(resources.pods, user);
            else if (what === "end" && there)
              await change({ deletionTimestamp: ago(1), deletionGracePeriodSeconds: 30 });
            else if (what === "shut down" && there)
              await change({ deletionTimestamp: ago(1), deletionGracePeriodSeconds: 0 });
            else if (what === "remove" && there) {
              await change({ finalizers: null });
              if (api.all(resources.pods).length > 0) await api.delete(resources.pods, at);
            }
            await rig.settle();
            const [left] = api.all(resources.persistentvolumeclaims);
            const users = api.all(resources.pods).filter(needs);
            if (isThere) assert.equal(left !== undefined, !isGoing || users.length > 0, what);
            if (left !== undefined) assert.ok(left.metadata.finalizers?.includes(claimFinalizer));
          }
          assert.deepEqual(api.all(resources.persistentvolumeclaims), []);
          await rig.stop();
        },
      ),
      { numRuns: 40 },
    );
  });
});
