import assert from "node:assert/strict";
import fc from "fast-check";
import { resources } from "../../../client/resources.ts";
import { isMadeFor } from "../../../client/rules/volume-claims.ts";
import type { PersistentVolumeClaim, Pod } from "../../../client/types.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { meta, pod } from "../testing/objects.ts";
import { ephemeralVolumeController } from "./ephemeral-volume-controller.ts";
import { planOwnVolumes } from "./plan-volumes.ts";

const template = {
  metadata: { labels: { a: "b" }, annotations: { c: "d" } },
  spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
};
const own = (name: string) => ({ name, ephemeral: { volumeClaimTemplate: template } });
const user = (name: string, volumes: readonly object[], more: object = {}) =>
  pod(name, { phase: "Pending", spec: { volumes: [...volumes] } as Partial<Pod["spec"]>, meta: more });
const owners = (of: Pod) => [
  {
    apiVersion: "v1",
    kind: "Pod",
    name: of.metadata.name,
    uid: of.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  },
];
const claim = (name: string, of?: Pod) =>
  ({
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: meta(name, { ...(of && { ownerReferences: owners(of) }) }),
    spec: template.spec,
  }) as PersistentVolumeClaim;

describe("controlplane/controllers/ephemeralvolume: a pod's own volumes", () => {
  it("get claims of the pod's and the volume's name, from the template, owned by the pod", () => {
    const one = user("p", [own("v"), { name: "e", emptyDir: {} }]);
    assert.deepEqual(
      planOwnVolumes(one, () => undefined),
      [
        {
          step: "create",
          volume: "v",
          draft: {
            metadata: {
              name: "p-v",
              namespace: "default",
              ownerReferences: owners(one),
              labels: { a: "b" },
              annotations: { c: "d" },
            },
            spec: template.spec,
          },
        },
      ],
    );
    assert.deepEqual(
      planOwnVolumes(one, (name) => claim(name, one)),
      [],
    );
    const going = user("p", [own("v")], { deletionTimestamp: "2026-01-01T00:00:00Z" });
    assert.deepEqual(
      planOwnVolumes(going, () => undefined),
      [],
    );
  });

  it("whatever claims there are, end with exactly one of their own each, or a name that another has", () => {
    const names = ["a", "b", "c"];
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.constantFrom(...names)),
        fc.array(
          fc.record({
            volume: fc.constantFrom(...names),
            whose: fc.constantFrom("ours", "theirs", "nobodys"),
          }),
        ),
        (volumes, found) => {
          const us = user("p", volumes.map(own));
          const them = user("q", []);
          const claims = new Map(
            found.map(({ volume, whose }) => [
              `p-${volume}`,
              claim(`p-${volume}`, whose === "ours" ? us : whose === "theirs" ? them : undefined),
            ]),
          );
          const steps = planOwnVolumes(us, (name) => claims.get(name));
          for (const step of steps) {
            if (step.step === "refuse") continue;
            const { name = "" } = step.draft.metadata;
            assert.equal(claims.has(name), false, "never made where one of the name is");
            claims.set(name, step.draft as PersistentVolumeClaim);
          }
          const refused = steps.flatMap(({ step, volume }) => (step === "refuse" ? volume : []));
          for (const volume of volumes) {
            const there = claims.get(`p-${volume}`);
            assert.ok(there);
            assert.equal(isMadeFor(there, us), !refused.includes(volume));
          }
          assert.deepEqual(
            planOwnVolumes(us, (name) => claims.get(name)).map(({ volume }) => volume),
            refused,
            "a second look finds nothing to make",
          );
        },
      ),
    );
  });

  it("are told of a claim of the name that is another's, and get theirs once it is gone", async () => {
    const rig = await controllerRig(ephemeralVolumeController);
    const { api } = rig;
    await api.create(resources.persistentvolumeclaims, claim("p-v"));
    await api.create(resources.pods, user("p", [own("v")]));
    const message =
      "ephemeral volume v: PVC default/p-v was not created for pod default/p (pod is not owner)";
    await assert.rejects(rig.settle(), { message: "pod default/p, ephemeral volume v" });
    assert.deepEqual(rig.events, [`Warning FailedBinding: ${message}`]);
    await api.delete(resources.persistentvolumeclaims, { name: "p-v", namespace: "default" });
    await rig.settle();
    const [made] = api.all(resources.persistentvolumeclaims);
    const [owner] = api.all(resources.pods);
    assert.ok(made && owner && isMadeFor(made, owner));
    assert.match(await rig.meter.text(), /ephemeral_volume_controller_create_total 1\n/);
    await rig.stop();
  });

  it("get their claim again when somebody deletes it, and say so when it cannot be made", async () => {
    const rig = await controllerRig(ephemeralVolumeController);
    const { api } = rig;
    await api.create(resources.pods, user("p", [own("v")]));
    await rig.settle();
    api.intercept = async ({ verb }) => {
      if (verb === "create") throw new Error("exceeded quota");
      return undefined;
    };
    await api.delete(resources.persistentvolumeclaims, { name: "p-v", namespace: "default" });
    await assert.rejects(rig.settle(), { message: "pod default/p, ephemeral volume v" });
    assert.deepEqual(rig.events, [
      "Warning FailedBinding: ephemeral volume v: create PVC p-v: exceeded quota",
    ]);
    assert.match(await rig.meter.text(), /create_failures_total 1\n/);
    await rig.stop();
  });
});
