import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { Secret, ServiceAccount } from "../../../client/types.ts";
import { newSigningKey } from "../../apiserver/authentication/testing.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { tokenSecretController } from "./token-secret-controller.ts";

describe("a service account's list of secrets", () => {
  const namespace = "n";
  const account = { namespace, name: "ci" };
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "token-secret-"));
    writeFileSync(join(folder, "key.pem"), newSigningKey().pem);
  });
  after(() => rmSync(folder, { recursive: true }));

  async function start() {
    const api = new FakeApi();
    const secrets = [{ name: "token" }, { name: "other" }];
    await api.create(resources.serviceaccounts, { metadata: account, secrets } as ServiceAccount);
    const files = ["service-account-private-key-file", "root-ca-file"];
    writeFileSync(
      join(folder, "root-ca-file"),
      "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
    );
    const flags = [
      `--${files[0]}=${join(folder, "key.pem")}`,
      `--${files[1]}=${join(folder, "root-ca-file")}`,
    ];
    return controllerRig(tokenSecretController, { api, flags });
  }
  const token = {
    metadata: { namespace, name: "token", annotations: { "kubernetes.io/service-account.name": "ci" } },
    type: "kubernetes.io/service-account-token",
  } as unknown as Secret;
  const listed = async (api: FakeApi) =>
    (await api.get(resources.serviceaccounts, account)).secrets?.map(({ name }) => name);

  it("does not name a token that is gone", async () => {
    const rig = await start();
    await rig.api.create(resources.secrets, token);
    await rig.settle();
    assert.deepEqual(await listed(rig.api), ["token", "other"]);
    await rig.api.delete(resources.secrets, { namespace, name: "token" });
    await rig.settle();
    assert.deepEqual(await listed(rig.api), ["other"]);
    await rig.stop();
  });

  it("keeps the name where another token of that name has come", async () => {
    const rig = await start();
    await rig.api.create(resources.secrets, token);
    await rig.settle();
    await rig.api.delete(resources.secrets, { namespace, name: "token" });
    await rig.api.create(resources.secrets, token);
    await rig.settle();
    assert.deepEqual(await listed(rig.api), ["token", "other"]);
    await rig.stop();
  });
});
