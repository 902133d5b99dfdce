import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { extract } from "tar-stream";
import { parseFlags } from "../../base/os/flags.ts";
import type { AnyManifest } from "../../client/kube/manifest.ts";
import type { KubeObject } from "../../client/types.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { startCluster } from "../../cluster/start-cluster.ts";
import { redactObject, redactText } from "./redact.ts";
import { supportCommand } from "./support.ts";

/** Each is planted somewhere, and is to be nowhere in a bundle. */
const planted = {
  secretData: "planted-secret-data",
  secretString: "planted-secret-string",
  lastApplied: "planted-last-applied",
  environment: "planted-environment",
  plainVariable: "planted-plain-variable",
  argument: "planted-argument",
  nextArgument: "planted-next-argument",
  configMap: "planted-config-map",
  annotation: "planted-annotation",
  custom: "planted-custom-password",
  urlPassword: "planted-url-password",
  logPassword: "planted-log-password",
  bearer: "planted.bearer.token",
  jwt: "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl",
  bootstrap: "abc123.0123456789abcdef",
  privateKey: "MC4CAQAwBQYDK2VwBCIEIPlantedPrivateKeyMaterial",
  probeHeader: "planted-probe-header",
} as const;

const base64 = (text: string) => Buffer.from(text).toString("base64");

const manifests = [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name: "database",
      annotations: {
        "kubectl.kubernetes.io/last-applied-configuration": `{"kind":"Secret","stringData":{"p":"${planted.lastApplied}"}}`,
      },
    },
    data: { password: base64(planted.secretData) },
    stringData: { other: planted.secretString },
  },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "settings", annotations: { "example.com/note": planted.annotation } },
    data: { "app.ini": `[db]\nuser = web\npw = ${planted.configMap}` },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          containers: [
            {
              name: "web",
              image: "registry.example/web:1",
              command: ["web", `--db-password=${planted.argument}`, "--token", planted.nextArgument],
              env: [
                { name: "PASSWORD", value: planted.environment },
                { name: "COLOUR", value: planted.plainVariable },
                { name: "DATABASE", value: `postgres://web:${planted.urlPassword}@db:5432/shop` },
              ],
              readinessProbe: {
                httpGet: {
                  path: "/",
                  port: 80,
                  httpHeaders: [{ name: "Authorization", value: `Bearer ${planted.probeHeader}` }],
                },
              },
            },
          ],
        },
      },
    },
  },
  {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "databases.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { kind: "Database", plural: "databases" },
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
        },
      ],
    },
  },
] as unknown as readonly AnyManifest[];

const custom = {
  apiVersion: "example.com/v1",
  kind: "Database",
  metadata: { name: "main", namespace: "default" },
  spec: { adminPassword: planted.custom, dsn: `mysql://root:${planted.urlPassword}@db/x`, size: "small" },
} as unknown as AnyManifest;

const log = [
  "info connected to db",
  `error login failed: password=${planted.logPassword}`,
  `debug authorization: Bearer ${planted.bearer}`,
  `debug token ${planted.jwt}`,
  `debug joined by ${planted.bootstrap}`,
  `-----BEGIN PRIVATE KEY-----\n${planted.privateKey}\n-----END PRIVATE KEY-----`,
].join("\n");

async function filesIn(path: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  const archive = extract();
  archive.on("entry", (header, stream, next) => {
    const pieces: Buffer[] = [];
    stream.on("data", (piece) => pieces.push(piece as Buffer));
    stream.on("end", () => {
      files.set(header.name.replace(/^[^/]+\//, ""), Buffer.concat(pieces).toString());
      next();
    });
  });
  const done = new Promise<void>((resolve, reject) => {
    archive.on("finish", resolve);
    archive.on("error", reject);
  });
  archive.end(gunzipSync(readFileSync(path)));
  await done;
  return files;
}

describe("pintle support", function () {
  this.timeout(60_000);
  const folder = mkdtempSync(join(tmpdir(), "pintle-support-"));
  let cluster: Cluster;

  before(async () => {
    cluster = await startCluster({ nodes: 1 });
    await cluster.apply(manifests);
    await cluster.apply(custom);
    await cluster.untilReady({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } });
    mkdirSync(join(folder, "logs"));
    writeFileSync(join(folder, "logs/apiserver-1.log"), log);
  });
  after(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const collect = async (name: string, client = cluster.client.rest) => {
    const path = join(folder, name);
    const { flags, words, rest, given } = parseFlags(
      supportCommand.flags,
      ["-o", path, `--data-dir=${folder}`],
      { env: {} },
    );
    const io = {
      stdout: () => undefined,
      stderr: () => undefined,
      stdin: process.stdin,
      env: {},
      signal: new AbortController().signal,
      client: () => client,
    };
    assert.equal(await supportCommand.run({ flags, words, rest, given } as never, io), 0);
    return { path, files: await filesIn(path) };
  };

  it("has what is needed, for its owner's eyes alone, and none of the secrets that stand anywhere", async () => {
    const { path, files } = await collect("a.tar.gz");
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const all = [...files.values()].join("\n");
    for (const [where, secret] of Object.entries(planted)) {
      assert.ok(!all.includes(secret), `${where}: ${secret}`);
      assert.ok(!all.includes(base64(secret)), `${where} in base64`);
    }
    assert.match(files.get("objects/deployments.apps.jsonl") ?? "", /"image":"registry\.example\/web:1"/);
    assert.match(
      files.get("objects/secrets.jsonl") ?? "",
      /"name":"database".*|"password":"\(redacted, \d+ characters\)"/,
    );
    assert.match(files.get("objects/databases.example.com.jsonl") ?? "", /"size":"small"/);
    assert.match(
      files.get("logs/apiserver-1.log") ?? "",
      /^info connected to db\nerror login failed: password=\(redacted\)\n/,
    );
    assert.match(files.get("doctor.txt") ?? "", /This machine[\s\S]*The cluster/);
    assert.equal(files.get("why.txt"), "nothing is wrong in the cluster\n");
    assert.equal(files.get("could-not-read.txt"), "everything was read\n");
  });

  it("overwrites nothing, and says what it could not read", async () => {
    await assert.rejects(collect("a.tar.gz"), /is there already/);
    const { files } = await collect("b.tar.gz", cluster.clientFor("jane").rest);
    assert.match(files.get("could-not-read.txt") ?? "", /^secrets: .*forbidden/m);
    assert.ok(!files.has("objects/secrets.jsonl"));
  });

  it("takes a secret out of any field that is called so, and out of any text", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/);
    const field = fc.constantFrom(
      "password",
      "adminPassword",
      "apiKey",
      "clientSecret",
      "accessToken",
      "passphrase",
      "credentials",
      "private_key",
    );
    fc.assert(
      fc.property(secret, field, (value, name) => {
        const object = {
          apiVersion: "x/v1",
          kind: "Any",
          metadata: { name: "x" },
          spec: { a: [{ [name]: value }] },
        };
        const texts = [
          JSON.stringify(redactObject(object as unknown as KubeObject)),
          redactText(`level=error ${name}=${value} done`),
          redactText(`{"${name}": "${value}"}`),
          redactText(`https://user:${value}@host/path`),
          redactText(`Authorization: Bearer ${value}`),
        ];
        for (const text of texts) assert.ok(!text.includes(value), text);
      }),
    );
    const kept = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      spec: { volumes: [{ secret: { secretName: "tls" } }], serviceAccountName: "robot" },
    };
    assert.match(JSON.stringify(redactObject(kept as unknown as KubeObject)), /"secretName":"tls".*"robot"/);
  });

  it("takes no longer for hostile text than for other", () => {
    const startMs = performance.now();
    for (const piece of [
      "a:",
      "-----BEGIN PRIVATE KEY-----",
      "password=",
      "eyJaaaaaaaa.",
      "x://",
      "--token ",
    ])
      redactText(piece.repeat(200_000 / piece.length));
    assert.ok(performance.now() - startMs < 10_000);
  });
});
