import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Cluster } from "pintle";
import { kinds } from "pintle/client";
import type { PreviewEnvironment } from "../src/preview.ts";
import { webhookServer } from "../src/webhooks.ts";
import { operatorClient, preview, startWorld } from "./world.ts";

describe("the webhooks", () => {
  let cluster: Cluster;
  let folder: string;
  let server: ReturnType<typeof webhookServer>;

  before(async () => {
    cluster = await startWorld("real");
    folder = await mkdtemp(join(tmpdir(), "preview-operator-"));
    const script = fileURLToPath(new URL("../deploy/webhooks.sh", import.meta.url));
    const yaml = execFileSync("sh", [script, folder, "127.0.0.1:PORT"], { encoding: "utf8" });
    server = webhookServer(folder, operatorClient(cluster)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await cluster.apply(yaml.replaceAll("127.0.0.1:PORT", `127.0.0.1:${port}`));
    await cluster.apply(developers);
    const data = { token: "czNjcmV0" };
    await cluster.client.create(kinds.Secret, { metadata: { name: "registry", namespace: "default" }, data });
  });
  after(async () => {
    await cluster?.stop();
    server?.close();
    server?.closeAllConnections();
    await rm(folder, { recursive: true, force: true });
  });

  it("let who makes a preview work in it", async () => {
    const alice = cluster.clientFor("alice");
    const made = (await alice.apply(preview("pr-1"))) as unknown as PreviewEnvironment;
    assert.deepEqual(made.spec.users, ["alice"]);
    const given = (await alice.apply(preview("pr-2", { users: ["bob"] }))) as unknown as PreviewEnvironment;
    assert.deepEqual(given.spec.users, ["bob"]);
  });

  it("refuse copies of secrets to who may not read them", async () => {
    const alice = cluster.clientFor("alice");
    const wanted = preview("pr-3", { secrets: ["registry"] });
    await assert.rejects(alice.apply(wanted), {
      code: 403,
      message: /alice may not read the secret registry/,
    });
    await cluster.client.apply(wanted); // by who may read everything
    // What is there already is no reason to refuse a change of something else.
    await alice.apply(preview("pr-3", { ttl: "2h", secrets: ["registry"] }));
  });
});

/** Developers may make previews, and not read secrets. */
const developers = `
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: developer, namespace: default }
rules:
  - { apiGroups: [example.com], resources: [previewenvironments], verbs: [get, create, update, patch] }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: developers, namespace: default }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: developer }
subjects: [{ apiGroup: rbac.authorization.k8s.io, kind: User, name: alice }]
`;
