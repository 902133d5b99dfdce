import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isNotFound } from "../../../client/api-error.ts";
import { resources } from "../../../client/resources.ts";
import { issuingConfig, newSigningKey } from "../../apiserver/authentication/testing.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";

describe("secrets for service accounts' tokens", () => {
  let cluster: TestCluster;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-tokens-"));
    const { pem } = newSigningKey();
    const path = join(folder, "key.pem");
    await writeFile(path, pem);
    cluster = await startTestCluster({
      flags: [`--service-account-private-key-file=${path}`],
      config: { authentication: issuingConfig(pem) },
    });
  });
  after(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("are filled with one that the API knows, and deleted with their account", async () => {
    const namespace = "default";
    await cluster.client.create(resources.serviceaccounts, { metadata: { namespace, name: "ci" } });
    await cluster.client.create(resources.secrets, {
      metadata: { namespace, name: "ci", annotations: { "kubernetes.io/service-account.name": "ci" } },
      type: "kubernetes.io/service-account-token",
    });
    const token = await cluster.until(
      resources.secrets,
      "a token",
      (all) => all.find(({ metadata }) => metadata.name === "ci")?.data?.token,
    );
    const authorization = `Bearer ${Buffer.from(token, "base64")}`;
    const whoAmI = async () =>
      cluster.api.stranger.call("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", {
        body: {},
        headers: { authorization },
      });
    assert.equal((await whoAmI()).body.status.userInfo.username, "system:serviceaccount:default:ci");
    await cluster.client.delete(resources.serviceaccounts, { namespace, name: "ci" });
    await cluster.until(resources.secrets, "the secret is gone", (all) =>
      all.every(({ metadata }) => metadata.name !== "ci"),
    );
    await assert.rejects(cluster.client.get(resources.secrets, { namespace, name: "ci" }), isNotFound);
    assert.equal((await whoAmI()).code, 401);
  });
});
