import assert from "node:assert/strict";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const claims = "/api/v1/namespaces/default/persistentvolumeclaims";
const ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
const storageClasses = "/apis/storage.k8s.io/v1/storageclasses";
const ingressClasses = "/apis/networking.k8s.io/v1/ingressclasses";

describe("claims and ingresses that name no class", () => {
  let api: TestApiserver;
  before(async () => {
    api = await startTestApiserver();
  });
  after(() => api.stop());

  const create = (path: string, name: string, body: object) =>
    api.admin.call("POST", path, {
      body: { ...body, metadata: { name, ...(body as { metadata?: object }).metadata } },
    });
  const claimSpec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  const ingressSpec = { defaultBackend: { service: { name: "web", port: { number: 80 } } } };

  it("stay without one where there is no default", async () => {
    await create(storageClasses, "plain", { provisioner: "example.com/disks" });
    const claim = await create(`${claims}?dryRun=All`, "c", { spec: claimSpec });
    assert.equal(claim.code, 201);
    assert.equal(claim.body.spec.storageClassName, undefined);
    const ingress = await create(`${ingresses}?dryRun=All`, "i", { spec: ingressSpec });
    assert.equal(ingress.body.spec.ingressClassName, undefined);
  });

  it("get the default one, and those that name one or none keep to it", async () => {
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    await create(storageClasses, "b", { provisioner: "example.com/disks", metadata: { annotations } });
    const made = async (name: string, spec: object, metadata = {}) =>
      (await create(`${claims}?dryRun=All`, name, { spec: { ...claimSpec, ...spec }, metadata })).body.spec
        .storageClassName;
    assert.equal(await made("c", {}), "b");
    assert.equal(await made("c", { storageClassName: "" }), "");
    assert.equal(await made("c", { storageClassName: "plain" }), "plain");
    const old = { annotations: { "volume.beta.kubernetes.io/storage-class": "plain" } };
    assert.equal(await made("c", {}, old), undefined);
    await create(ingressClasses, "edge", {
      spec: { controller: "example.com/edge" },
      metadata: { annotations: { "ingressclass.kubernetes.io/is-default-class": "true" } },
    });
    const ingress = async (metadata = {}) =>
      (await create(`${ingresses}?dryRun=All`, "i", { spec: ingressSpec, metadata })).body.spec
        .ingressClassName;
    assert.equal(await ingress(), "edge");
    assert.equal(await ingress({ annotations: { "kubernetes.io/ingress.class": "x" } }), undefined);
  });

  it("a claim with a volume grows only where its class allows that", async () => {
    for (const [name, allowVolumeExpansion] of [
      ["fixed", false],
      ["elastic", true],
    ] as const) {
      await create(storageClasses, name, { provisioner: "example.com/disks", allowVolumeExpansion });
      await create(claims, name, { spec: { ...claimSpec, storageClassName: name, volumeName: name } });
      const status = { phase: "Bound", capacity: { storage: "1Gi" } };
      const bound = await api.admin.call("PATCH", `${claims}/${name}/status`, {
        body: { status },
        type: "application/merge-patch+json",
      });
      assert.equal(bound.code, 200, bound.body.message);
    }
    const grow = (name: string) =>
      api.admin.call("PATCH", `${claims}/${name}`, {
        body: { spec: { resources: { requests: { storage: "2Gi" } } } },
        type: "application/merge-patch+json",
      });
    assert.equal((await grow("elastic")).code, 200);
    const refused = await grow("fixed");
    assert.equal(refused.code, 403);
    assert.equal(
      refused.body.message,
      'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
    );
  });
});
