import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createLog } from "../../base/os/log.ts";
import { readAuditPolicy } from "../../controlplane/apiserver/audit/policy.ts";
import { EtcdStorage } from "../../controlplane/apiserver/registry/etcd-storage.ts";
import { verbosityMax } from "../../controlplane/apiserver/telemetry/verbosity.ts";
import { startTestApiserver, type TestApiserver, testOs } from "../../controlplane/apiserver/testing.ts";
import { isInstalled } from "../local-cluster.ts";
import { type StoreBeside, startStoreBeside } from "../store-beside.ts";

const run = promisify(execFile);

/** Words that LevelDB's compression has nothing to shorten in. `shown` stands in a ConfigMap, where it may be read: that it is
 *  found says that `hidden` would be. */
const word = (name: string) => `${name}Q7zK2vXw9LmT4rBp8YcN`;
const shown = word("shown");

/** A test of what is on disk: whatever way a secret's words go in, no file of a store with encryption at rest holds them, nor any
 *  log of the API server. */
describe("the words of secrets", function () {
  this.timeout(120_000);
  const secrets = "/api/v1/namespaces/default/secrets";
  const hidden = [
    ...["created", "key", "applied", "annotated", "updated", "merged", "patched"],
    ...["refused", "wrongType", "dryRun", "deleted"],
  ];
  let folder = "";
  let store: StoreBeside | undefined;
  let api: TestApiserver | undefined;
  let log = "";

  before(async function () {
    if (!isInstalled("etcdctl")) return this.skip();
    folder = mkdtempSync(join(tmpdir(), "at-rest-"));
    store = await startStoreBeside();
    const path = join(folder, "encryption.json");
    const keys = [{ name: "key1", secret: Buffer.alloc(32, 7).toString("base64") }];
    const providers = [{ aesgcm: { keys } }, { identity: {} }];
    writeFileSync(
      path,
      JSON.stringify({
        apiVersion: "apiserver.config.k8s.io/v1",
        kind: "EncryptionConfiguration",
        resources: [{ resources: ["secrets"], providers }],
      }),
    );
    const problems: string[] = [];
    const rules = [{ level: "Metadata" }];
    const policy = readAuditPolicy({ apiVersion: "audit.k8s.io/v1", kind: "Policy", rules }, problems);
    assert.deepEqual(problems, []);
    const file = { path: join(folder, "audit.log"), ageDaysMax: 0, backupsMax: 0, sizeBytesMax: 1e9 };
    api = await startTestApiserver({
      storage: new EtcdStorage(store.client("call"), testOs().clock),
      log: createLog({ level: "info", write: (line) => (log += line) }),
      config: {
        encryption: { path, reloads: false },
        audit: { policy, file, webhook: undefined },
        telemetry: { verbosity: verbosityMax },
      },
    });
  });
  /** Whoever comes first. */
  const stopApi = async () => {
    const running = api;
    api = undefined;
    await running?.stop();
  };
  after(async () => {
    await stopApi();
    await store?.stop();
    if (folder !== "") rmSync(folder, { recursive: true });
  });

  const ask = async (
    code: number,
    method: string,
    path: string,
    options: Parameters<TestApiserver["admin"]["call"]>[2] = {},
  ) => {
    assert.ok(api);
    const answer = await api.admin.call(method, path, options);
    assert.equal(answer.code, code, `${method} ${path}: ${answer.text}`);
    return answer;
  };
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const secret = (name: string, data: object, metadata: object = {}) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, ...metadata },
    ...data,
  });

  it("are in no file of the store, no backup of it, and no log", async () => {
    const body = { metadata: { name: "shown" }, data: { word: shown } };
    await ask(201, "POST", "/api/v1/namespaces/default/configmaps", { body });
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": word("annotated") };
    await ask(201, "POST", secrets, {
      body: secret("a", { stringData: { word: word("created"), [word("key")]: "v" } }, { annotations }),
    });
    await ask(200, "PUT", `${secrets}/a`, { body: secret("a", { data: { word: base64(word("updated")) } }) });
    await ask(200, "PATCH", `${secrets}/a`, {
      type: "application/merge-patch+json",
      body: { stringData: { more: word("merged") } },
    });
    await ask(200, "PATCH", `${secrets}/a`, {
      type: "application/json-patch+json",
      body: [{ op: "add", path: "/data/patched", value: base64(word("patched")) }],
    });
    await ask(200, "PATCH", `${secrets}/a?fieldManager=m&force=true`, {
      type: "application/apply-patch+yaml",
      body: secret("a", { data: { word: base64(word("applied")) } }),
    });
    await ask(201, "POST", `${secrets}?dryRun=All`, {
      body: secret("c", { stringData: { word: word("dryRun") } }),
    });
    await ask(422, "POST", secrets, {
      body: secret("c", { type: "kubernetes.io/tls", stringData: { word: word("refused") } }),
    });
    await ask(400, "POST", secrets, { body: secret("c", { data: { word: { deep: word("wrongType") } } }) });
    await ask(201, "POST", secrets, { body: secret("d", { stringData: { word: word("deleted") } }) });
    await ask(200, "DELETE", `${secrets}/d`);
    await ask(200, "GET", secrets);

    assert.ok(store);
    const backup = join(folder, "backup.db");
    await run("etcdctl", ["--endpoints", store.url, "snapshot", "save", backup], {
      env: { ...process.env, ETCDCTL_API: "3" },
    });
    await stopApi();
    await store.store.stop();
    const texts = new Map(filesOf(store.folder).map((file) => [file, readFileSync(file)]));
    texts.set("backup", readFileSync(backup));
    const holding = (one: string) =>
      [...texts].filter(([, bytes]) => bytes.includes(one)).map(([file]) => file);
    for (const part of ["/wal/", "/db/", "backup"])
      assert.ok(
        holding(shown).some((file) => file.includes(part)),
        `what may be read is found in ${part}`,
      );
    texts.set("audit log", readFileSync(join(folder, "audit.log")));
    texts.set("log", Buffer.from(log));
    assert.deepEqual(
      holding("/api/v1/namespaces/default/secrets/a"),
      ["audit log", "log"],
      "both logs tell of the requests",
    );
    for (const name of hidden)
      for (const form of formsOf(word(name))) assert.deepEqual(holding(form), [], `${name} as ${form}`);
  });
});

/** As it is, in hex, and in base64, wherever it begins in what is encoded. */
function formsOf(text: string): readonly string[] {
  const shifted = [0, 1, 2].map((bytes) =>
    Buffer.concat([Buffer.alloc(bytes), Buffer.from(text)])
      .toString("base64")
      .slice(4, -4),
  );
  return [text, Buffer.from(text).toString("hex"), ...shifted];
}

function filesOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
}
