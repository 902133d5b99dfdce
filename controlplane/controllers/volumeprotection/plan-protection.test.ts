import assert from "node:assert/strict";
import type { PersistentVolumeClaim } from "../../../client/types.ts";
import { meta, pod } from "../testing/objects.ts";
import { claimFinalizer, protectionStep, usesClaim } from "./plan-protection.ts";

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
});
