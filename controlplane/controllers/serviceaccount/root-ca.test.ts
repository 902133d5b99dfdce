import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiError } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { rootCaController } from "./namespace-content-controllers.ts";

describe("the authority that every namespace is told", () => {
  const pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
  const where = { name: "kube-root-ca.crt", namespace: "n" };
  const description = "kubernetes.io/description";
  let folder: string;
  let file: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "root-ca-"));
    file = join(folder, "ca.crt");
    writeFileSync(file, pem);
  });
  after(() => rmSync(folder, { recursive: true }));

  async function start() {
    const api = new FakeApi();
    await api.create(resources.namespaces, { metadata: { name: "n" }, status: { phase: "Active" } });
    const rig = await controllerRig(rootCaController, { api, flags: [`--root-ca-file=${file}`] });
    await rig.settle();
    return rig;
  }

  it("stands there alone, with what it is for, whatever somebody made of it", async () => {
    const rig = await start();
    const { api } = rig;
    for (const change of [
      { data: { "ca.crt": "other" } },
      { data: { more: "of it" } },
      { metadata: { annotations: { [description]: "" } } },
    ]) {
      await api.patch(resources.configmaps, where, change, { type: "merge" });
      await rig.settle();
      const map = await api.get(resources.configmaps, where);
      assert.deepEqual(map.data, { "ca.crt": pem });
      assert.match(map.metadata.annotations?.[description] ?? "", /^Contains a CA bundle/);
    }
    const labels = { metadata: { annotations: { mine: "1" }, labels: { mine: "2" } } };
    await api.patch(resources.configmaps, where, labels, { type: "merge" });
    await rig.settle();
    const { metadata } = await api.get(resources.configmaps, where);
    assert.deepEqual([metadata.annotations?.mine, metadata.labels?.mine], ["1", "2"]);
    await rig.stop();
  });

  it("is counted by what the API answered", async () => {
    const rig = await start();
    rig.api.intercept = ({ verb }) =>
      verb === "create" ? Promise.reject(new ApiError(403, { message: "no" })) : Promise.resolve(undefined);
    await rig.api.delete(resources.configmaps, where);
    await assert.rejects(rig.settle(), /no/);
    const text = await rig.meter.text();
    assert.match(text, /^root_ca_cert_publisher_sync_total\{code="200"\} [1-9]/m);
    assert.match(text, /^root_ca_cert_publisher_sync_total\{code="403"\} 1$/m);
    assert.match(text, /^root_ca_cert_publisher_sync_duration_seconds_count\{code="403"\} 1$/m);
    await rig.stop();
  });

  it("is a certificate, or the controller manager does not start", async () => {
    writeFileSync(file, "none");
    await assert.rejects(start(), /--root-ca-file: .*ca\.crt holds no certificate/);
  });
});
