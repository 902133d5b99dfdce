import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { credentials } from "@grpc/grpc-js";
import { issueCertificate } from "../../base/os/pki.ts";
import { utf8 } from "../../base/wire.ts";
import type { RunningStore } from "../../store/compose.ts";
import { writeServerTls } from "../../store/testing/server-tls.ts";
import { startAlone } from "../../store/testing/start-alone.ts";
import { type CallOutcome, EtcdCalls } from "./etcd-calls.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];
const cheap = "--bcrypt-cost=4";
const own = { key: utf8("own"), value: utf8("v") };
const denied = { code: 7, details: "etcdserver: permission denied" };
const noName = { code: 3, details: "etcdserver: user name is empty" };
const badToken = { code: 16, details: "etcdserver: invalid auth token" };
const oldRevision = { code: 3, details: "etcdserver: revision of auth store is old" };

const isDone = (outcome: CallOutcome, what: string) =>
  assert.ok(!("code" in outcome), `${what}: ${JSON.stringify(outcome)}`);

/** Root, and ann who may write the key `own`. */
async function turnOn(calls: EtcdCalls): Promise<void> {
  for (const [name, request] of [
    ["userAdd", { name: "root", password: "pw" }],
    ["userGrantRole", { user: "root", role: "root" }],
    ["userAdd", { name: "ann", password: "pw" }],
    ["roleAdd", { name: "some" }],
    ["roleGrantPermission", { name: "some", perm: { permType: "READWRITE", key: own.key } }],
    ["userGrantRole", { user: "ann", role: "some" }],
    ["authEnable", {}],
  ] as const)
    isDone(await calls.call(name, request), name);
}

async function tokenOf(calls: EtcdCalls, name: string): Promise<string> {
  const outcome = await calls.call("authenticate", { name, password: "pw" });
  assert.ok(!("code" in outcome), JSON.stringify(outcome));
  return String(outcome.answer.token);
}

describe("ways to say who asks", function () {
  this.timeout(300_000);
  const undo: (() => Promise<unknown> | unknown)[] = [];
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step();
  });
  const folder = async () => {
    const path = await mkdtemp(join(tmpdir(), "pintle-ways-in-"));
    undo.push(() => rm(path, { recursive: true, force: true }));
    return path;
  };
  const members = async (...flags: readonly string[]): Promise<StoreProcesses> => {
    const processes = await startStoreProcesses(3, pintle, [cheap, ...flags]);
    undo.push(() => processes.stop());
    return processes;
  };
  const callsTo = (
    endpoint: string | undefined,
    ...shown: ConstructorParameters<typeof EtcdCalls> extends [string, ...infer R] ? R : never
  ) => {
    const calls = new EtcdCalls(endpoint ?? "", ...shown);
    undo.push(() => calls.close());
    return calls;
  };

  it("simple tokens hold on every member, those of other users in other rights, and none after a restart", async () => {
    const processes = await members();
    const each = processes.endpoints.map((endpoint) => callsTo(endpoint));
    const [first] = each;
    assert.ok(first);
    await turnOn(first);
    for (let round = 0; round < 5; round++) {
      const token = await tokenOf(first, "ann");
      // The others may not have applied the authentication yet.
      for (const calls of each) {
        isDone(await calls.call("put", own, token), "put");
        assert.deepEqual(await calls.call("put", { ...own, key: utf8("other") }, token), denied);
        assert.deepEqual(await calls.call("put", own), noName);
      }
    }
    const token = await tokenOf(first, "root");
    await processes.kill(1);
    await processes.start(1);
    const again = callsTo(processes.endpoints[1]);
    assert.deepEqual(
      await again.call("range", { key: own.key }),
      noName,
      "authentication is on after a restart",
    );
    const root = await tokenOf(again, "root");
    for (const calls of [first, again]) isDone(await calls.call("userList", {}, root), "userList");
    isDone(await first.call("userList", {}, token), "members that went on know their tokens");
  });

  it("JWT tokens hold on every member and after restarts, until users or roles change", async () => {
    const path = await folder();
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const write = (name: string, pem: string | Buffer) => {
      writeFileSync(join(path, name), pem);
      return join(path, name);
    };
    const key = write("key.pem", privateKey.export({ type: "sec1", format: "pem" }));
    const pub = write("pub.pem", publicKey.export({ type: "spki", format: "pem" }));
    const processes = await members(
      `--auth-token=jwt,sign-method=ES256,priv-key=${key},pub-key=${pub},ttl=10m`,
    );
    const each = processes.endpoints.map((endpoint) => callsTo(endpoint));
    const [first] = each;
    assert.ok(first);
    await turnOn(first);
    const token = await tokenOf(first, "ann");
    for (const calls of each) isDone(await calls.call("put", own, token), "put");
    await processes.kill(1);
    await processes.start(1);
    const again = callsTo(processes.endpoints[1]);
    isDone(await again.call("put", own, token), "put after a restart");
    isDone(await first.call("roleAdd", { name: "more" }, await tokenOf(first, "root")), "roleAdd");
    for (const calls of [first, again]) assert.deepEqual(await calls.call("put", own, token), oldRevision);
    assert.deepEqual(await first.call("put", own, `${token}x`), badToken);
  });

  it("the common name of a certificate is who asks, where --client-cert-auth is given and no token is", async () => {
    const path = await folder();
    const tls = await writeServerTls(path);
    const store: RunningStore = await startAlone(
      join(path, "data"),
      cheap,
      ...tls.flags,
      "--client-cert-auth",
      `--trusted-ca-file=${tls.authorityFile}`,
    );
    undo.push(() => store.stop());
    await store.ready;
    const certificate = (commonName: string) =>
      issueCertificate(tls.authority, { commonName, addresses: [], usage: "client" });
    const ca = readFileSync(tls.authorityFile);
    const endpoint = `127.0.0.1:${store.clientPorts[0]}`;
    const as = async (commonName: string) => {
      const { privateKeyPem, certificatePem } = await certificate(commonName);
      return callsTo(
        endpoint,
        credentials.createSsl(ca, Buffer.from(privateKeyPem), Buffer.from(certificatePem)),
      );
    };
    const [root, ann, eve] = [await as("root"), await as("ann"), await as("eve")];
    await turnOn(eve);
    isDone(await root.call("userList", {}), "root lists users");
    isDone(await ann.call("put", own), "ann writes her key");
    assert.deepEqual(await ann.call("put", { ...own, key: utf8("other") }), denied);
    assert.deepEqual(await ann.call("userList", {}), denied);
    assert.deepEqual(await eve.call("put", own), denied);
    isDone(
      await eve.call("userList", {}, await tokenOf(eve, "root")),
      "a token counts before the certificate",
    );
    const { privateKeyPem, certificatePem } = await certificate("root");
    const answer = await new Promise<{ readonly status: number | undefined; readonly body: string }>(
      (resolve, reject) => {
        const options = { ca, key: privateKeyPem, cert: certificatePem, method: "POST" };
        httpsRequest(`https://${endpoint}/v3/kv/range`, options, (response) => {
          text(response).then((body) => resolve({ status: response.statusCode, body }), reject);
        })
          .on("error", reject)
          .end("{}");
      },
    );
    assert.deepEqual(answer, {
      status: 400,
      body: "CommonName of client sending a request against gateway will be ignored and not used as expected\n",
    });
  });

  it("the header Authorization says it to the JSON gateway, and so does metadata", async () => {
    const path = await folder();
    const store = await startAlone(join(path, "data"), cheap);
    undo.push(() => store.stop());
    await store.ready;
    const endpoint = `http://127.0.0.1:${store.clientPorts[0]}`;
    await turnOn(callsTo(endpoint));
    const post = async (route: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
      const answer = await fetch(`${endpoint}/v3/${route}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      });
      return {
        status: answer.status,
        json: (await answer.json()) as { readonly token?: string; readonly message?: string },
      };
    };
    const { json } = await post("auth/authenticate", { name: "ann", password: "pw" });
    const token = json.token ?? "";
    const put = { key: Buffer.from(own.key).toString("base64") };
    for (const headers of [
      { authorization: token },
      { authorization: `Bearer ${token}` },
      { "grpc-metadata-token": token },
    ])
      assert.equal((await post("kv/put", put, headers as Record<string, string>)).status, 200);
    const other = { key: Buffer.from("other").toString("base64") };
    assert.equal((await post("kv/put", other, { authorization: token })).status, 403);
    assert.equal((await post("kv/put", put, { authorization: "none.1" })).status, 401);
    assert.equal((await post("kv/put", put)).json.message, noName.details);
    const health = await fetch(`${endpoint}/health`);
    assert.deepEqual(await health.json(), { health: "true", reason: "" });
    const metrics = await (await fetch(`${endpoint}/metrics`)).text();
    assert.match(metrics, /^etcd_debugging_auth_revision 7$/m);
  });
});
