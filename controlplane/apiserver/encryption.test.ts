import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { EncryptionFile, encryptionProblems } from "./encryption/configuration-file.ts";
import { MemoryStorage } from "./registry/memory-storage.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";

const key = (name: string, fill: number) => ({
  name,
  secret: Buffer.alloc(32, fill).toString("base64"),
});
const gcm = (...keys: readonly object[]) => ({ aesgcm: { keys } });
const identity = { identity: {} };
const configuration = (providers: readonly object[], resources: readonly string[] = ["secrets"]) =>
  JSON.stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [{ resources, providers }],
  });

const secrets = "/api/v1/namespaces/default/secrets";
const secret = (name: string, word: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData: { word },
});
const wordOf = ({ data }: { data: { word: string } }) => Buffer.from(data.word, "base64").toString();

describe("secrets encrypted at rest", () => {
  let folder: string;
  let storage: MemoryStorage;
  let servers: TestApiserver[];
  let files = 0;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "encryption-"));
    storage = new MemoryStorage(systemClock);
    servers = [];
  });
  afterEach(async () => {
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true });
  });
  async function start(providers: readonly object[], resources?: readonly string[]): Promise<TestApiserver> {
    const path = join(folder, `encryption-${++files}.yaml`);
    writeFileSync(path, configuration(providers, resources));
    const [first] = servers;
    const server = await startTestApiserver({
      storage,
      config: { encryption: { path, reloads: false } },
      ...(first && { authority: first.authority }),
    });
    servers.push(server);
    return server;
  }
  const stored = async (name: string) =>
    Buffer.from((await storage.get(`/registry/secrets/default/${name}`)).entry?.value ?? []).toString(
      "latin1",
    );
  const make = async ({ admin }: TestApiserver, name: string, word: string) => {
    const { code, text } = await admin.call("POST", secrets, { body: secret(name, word) });
    assert.equal(code, 201, text);
  };

  it("stand in the store as Kubernetes writes them, and are what they were to whoever asks", async () => {
    const api = await start([gcm(key("key1", 1)), identity]);
    const other = await start([gcm(key("key1", 1)), identity]);
    const events = await other.admin.openWatch(`${secrets}?watch=1`);
    await make(api, "s", "open sesame");
    assert.match(await stored("s"), /^k8s:enc:aesgcm:v1:key1:/);
    assert.ok(!(await stored("s")).includes(Buffer.from("open sesame").toString("base64")));
    const added = await events.next();
    assert.equal(wordOf(added.value?.object), "open sesame");
    const listed = await other.admin.call("GET", secrets);
    assert.equal(wordOf(listed.body.items[0]), "open sesame");
    const { body } = await other.admin.call("GET", `${secrets}/s`);
    const changed = { ...body, data: { word: Buffer.from("shut").toString("base64") } };
    assert.equal((await other.admin.call("PUT", `${secrets}/s`, { body: changed })).code, 200);
    assert.equal((await api.admin.call("PUT", `${secrets}/s`, { body: changed })).code, 409);
    assert.equal(wordOf((await api.admin.call("GET", `${secrets}/s?resourceVersion=`)).body), "shut");
    assert.equal((await api.admin.call("DELETE", `${secrets}/s`)).code, 200);
    assert.equal(await stored("s"), "");
    await events.return();
  });

  it("leave alone what is not named, and plain values from before readable", async () => {
    const before = await start([identity]);
    await make(before, "old", "plain");
    assert.match(await stored("old"), /^\{/);
    const api = await start([gcm(key("key1", 1)), identity]);
    assert.equal(wordOf((await api.admin.call("GET", `${secrets}/old`)).body), "plain");
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" } };
    await api.admin.call("POST", "/api/v1/namespaces/default/configmaps", { body });
    const { entry } = await storage.get("/registry/configmaps/default/c");
    assert.equal(entry?.value[0], "{".charCodeAt(0));
  });

  it("are read with any key and written with the first: an update that changes nothing takes the new key", async () => {
    const before = await start([gcm(key("key1", 1))]);
    await make(before, "s", "w");
    const after = await start([gcm(key("key2", 2), key("key1", 1))]);
    const { body } = await after.admin.call("GET", `${secrets}/s`);
    assert.equal(wordOf(body), "w");
    assert.equal((await after.admin.call("PUT", `${secrets}/s`, { body })).code, 200);
    assert.match(await stored("s"), /^k8s:enc:aesgcm:v1:key2:/);
    const again = await after.admin.call("GET", `${secrets}/s`);
    assert.equal(wordOf(again.body), "w");
    // And back to plain ones, where that comes first.
    const plain = await start([identity, gcm(key("key2", 2))]);
    assert.equal((await plain.admin.call("PUT", `${secrets}/s`, { body: again.body })).code, 200);
    assert.match(await stored("s"), /^\{/);
  });

  it("cannot be read without their key, nor in another's place, and trouble nobody else", async () => {
    const before = await start([gcm(key("key1", 1)), identity]);
    await make(before, "s", "w");
    await make(before, "good", "w");
    const api = await start([gcm(key("key2", 2)), identity]);
    const why = "no matching key was found for the provided AES transformer";
    const one = await api.admin.call("GET", `${secrets}/s`);
    assert.deepEqual([one.code, one.body.message], [500, `Internal error occurred: ${why}`]);
    const all = await api.admin.call("GET", "/api/v1/secrets");
    assert.deepEqual(
      [all.code, all.body.message],
      [500, `Internal error occurred: unable to transform key "/registry/secrets/default/good": ${why}`],
    );
    assert.equal((await api.admin.call("GET", "/api/v1/configmaps")).code, 200);
    // Moved to where another stands, while a server follows.
    await before.admin.call("GET", "/api/v1/secrets");
    const { entry } = await storage.get("/registry/secrets/default/s");
    const to = "/registry/secrets/default/good";
    const { entry: good } = await storage.get(to);
    assert.ok(entry && good);
    const compare = [{ key: to, modRevision: good.modRevision }];
    const moved = await storage.commit({ compare, writes: [{ type: "put", key: to, value: entry.value }] });
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "after" } };
    assert.equal(
      (await before.admin.call("POST", "/api/v1/namespaces/default/configmaps", { body })).code,
      201,
    );
    const maps = await before.admin.call("GET", "/api/v1/configmaps?resourceVersion=0");
    assert.equal(maps.code, 200);
    const stolen = await before.admin.call("GET", `${secrets}/good?resourceVersion=${moved.revision}`);
    assert.deepEqual(
      [stolen.code, stolen.body.message],
      [
        500,
        'Internal error occurred: unable to transform key "/registry/secrets/default/good": cipher: message authentication failed',
      ],
    );
    await storage.commit({ compare: [], writes: [{ type: "delete", key: to }] });
    const rest = await before.admin.call("GET", "/api/v1/secrets");
    assert.equal(rest.code, 200);
  });

  it("include custom resources and whole groups where a wildcard says so", async () => {
    const api = await start([gcm(key("k", 3))], ["*.apps", "configmaps"]);
    const selector = { matchLabels: { a: "b" } };
    const template = {
      metadata: { labels: { a: "b" } },
      spec: { containers: [{ name: "c", image: "i" }] },
    };
    const body = {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "d" },
      spec: { selector, template },
    };
    const deployments = "/apis/apps/v1/namespaces/default/deployments";
    assert.equal((await api.admin.call("POST", deployments, { body })).code, 201);
    const { entry } = await storage.get("/registry/deployments/default/d");
    assert.match(Buffer.from(entry?.value ?? []).toString("latin1"), /^k8s:enc:aesgcm:v1:k:/);
    assert.equal((await api.admin.call("GET", `${deployments}/d`)).body.spec.replicas, 1);
  });

  it("take over a changed file, but not a broken one", () => {
    const path = join(folder, "reloaded.yaml");
    writeFileSync(path, configuration([gcm(key("key1", 1))]));
    const file = new EncryptionFile(path, systemRandom);
    const place = "/registry/secrets/a/b";
    const value = new TextEncoder().encode("{}");
    const first = file.current("secrets").seal(value, place);
    assert.equal(file.reload(), false);
    writeFileSync(path, configuration([gcm(key("key2", 2), key("key1", 1))]));
    assert.equal(file.reload(), true);
    assert.deepEqual(file.current("secrets").open(first, place).stale, true);
    const second = file.current("secrets").seal(value, place);
    assert.match(Buffer.from(second).toString("latin1"), /^k8s:enc:aesgcm:v1:key2:/);
    writeFileSync(path, "kind: Nothing");
    assert.throws(() => file.reload(), /not an EncryptionConfiguration/);
    assert.deepEqual(Buffer.from(file.current("secrets").open(second, place).value).toString(), "{}");
  });
});

describe("the file of --encryption-provider-config", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "encryption-"));
  });
  after(() => rmSync(folder, { recursive: true }));
  const problems = (text: string) => {
    const path = join(folder, "e.yaml");
    writeFileSync(path, text);
    return encryptionProblems(path, systemRandom);
  };

  const wrong: readonly (readonly [string, string, readonly string[]])[] = [
    [
      "a key of another length",
      configuration([gcm({ name: "k", secret: "YWJj" })]),
      [
        'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secret is not of the expected length, got 3, expected one of [16 24 32]',
      ],
    ],
    [
      "a key that is no base64",
      configuration([gcm({ name: "k", secret: "!" })]),
      [
        'resources[0].providers[0].aesgcm.keys[0].secret: Invalid value: "REDACTED": secrets must be base64 encoded',
      ],
    ],
    [
      "no keys",
      configuration([gcm()]),
      ["resources[0].providers[0].aesgcm.keys: Required value: at least one keys is required"],
    ],
    [
      "what is not done here",
      configuration([{ kms: { name: "x" } }, { secretbox: { keys: [] } }]),
      [
        "resources[0].providers[0].kms: key management services are not supported here",
        "resources[0].providers[1].secretbox: XSalsa20 is not supported here; use aesgcm",
      ],
    ],
    [
      "two providers in one",
      configuration([{ identity: {}, ...gcm(key("k", 1)) }]),
      [
        "resources[0].providers[0]: more than one provider specified in a single element, should split into different list elements",
      ],
    ],
    [
      "overlapping resources",
      configuration([identity], ["secrets", "*."]),
      [
        "resources[0].resources: Invalid value: [\"secrets\",\"*.\"]: using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked",
      ],
    ],
    [
      "a lone star",
      configuration([identity], ["*"]),
      [
        "resources[0].resources[0]: Invalid value: \"*\": use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources",
      ],
    ],
  ];
  for (const [what, text, expected] of wrong)
    it(`is refused for ${what}`, () => assert.deepEqual(problems(text), expected));
});
