import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { systemClock } from "../../base/os/clock.ts";
import { createAuthority, issueCertificate } from "../../base/os/pki.ts";
import { Prng } from "../../base/os/random.ts";
import type { LogRecord } from "../record.ts";
import { type Answered, bulkAnswer, httpReceiver, type Posted } from "../testing/http-receiver.ts";
import type { Access } from "./access.ts";
import { bulkVerdict, elasticsearchReceiver } from "./elasticsearch.ts";
import { fileReceiver } from "./file.ts";
import { lokiReceiver } from "./loki.ts";
import { otlpHttpReceiver } from "./otlp.ts";
import { otlpGrpcReceiver } from "./otlp-grpc.ts";
import type { Receiver } from "./receiver.ts";

const web = {
  source: "containers",
  key: "node-1/container/shop/web/u1/app/2",
  node: "node-1",
  namespace: "shop",
  pod: { name: "web", uid: "u1", labels: { app: "web", "app.kubernetes.io/name": "shop-web" } },
  container: "app",
  restarts: 2,
  path: "/logs/2.log",
} as const;
const line: LogRecord = {
  stream: web,
  id: "f-1",
  time: "2026-01-02T23:59:58.123456789Z",
  text: 'a "quoted" line, with ümlauts and \u0001',
  output: "stderr",
  severity: "warn",
};
const event: LogRecord = {
  stream: { source: "events", key: "events" },
  id: "e-7",
  time: "2026-01-03T00:00:00Z",
  text: "Back-off restarting",
  namespace: "shop",
  attributes: { "k8s.event.reason": "BackOff" },
};
const until = () => new AbortController().signal;
const accessTo = (port: number, more: Partial<Access> = {}): Access => ({
  url: new URL(`http://127.0.0.1:${port}`),
  timeoutMs: 5_000,
  gzip: true,
  headers: {},
  ...more,
});

describe("what receivers of logs are sent", () => {
  let folder: string;
  const closers: (() => Promise<void>)[] = [];
  const posts: Posted[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pintle-receivers-"));
    posts.length = 0;
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });
  const listen = async (answer: (posted: Posted) => Answered | undefined) => {
    const server = await httpReceiver((posted) => {
      posts.push(posted);
      return answer(posted);
    });
    closers.push(server.close);
    return server.port;
  };
  const opened = (receiver: Receiver) => {
    closers.push(() => receiver.close());
    return receiver;
  };
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it("is a bulk request with an id for each document, so that what comes twice is there once", async () => {
    const store = new Map<string, unknown>();
    const port = await listen(({ body }) => bulkAnswer(body, store));
    const shape = { index: "logs-%{source}-%{namespace}-%Y.%m.%d", cluster: "c1" };
    const receiver = opened(elasticsearchReceiver(accessTo(port), shape));
    assert.deepEqual(await receiver.send([line, event], until()), { kind: "taken" });
    const again = await receiver.send([line, { ...line, id: "f-2" }], until());
    assert.deepEqual(again, { kind: "each", items: [{ kind: "taken" }, { kind: "taken" }] });
    assert.deepEqual([...store.keys()], ["f-1", "e-7", "f-2"]);
    assert.deepEqual(store.get("f-1"), {
      _index: "logs-containers-shop-2026.01.02",
      "@timestamp": line.time,
      message: line.text,
      stream: "stderr",
      "log.level": "warn",
      event: { module: "kubernetes", dataset: "kubernetes.container_logs" },
      log: { file: { path: "/logs/2.log" } },
      orchestrator: { cluster: { name: "c1" }, type: "kubernetes" },
      kubernetes: {
        namespace: "shop",
        node: { name: "node-1" },
        pod: { name: "web", uid: "u1" },
        labels: { app: "web", "app_kubernetes_io/name": "shop-web" },
        container: { name: "app" },
      },
    });
    const { _index, attributes } = store.get("e-7") as Record<string, unknown>;
    assert.deepEqual(
      [_index, attributes],
      ["logs-events-shop-2026.01.03", { "k8s.event.reason": "BackOff" }],
    );
    assert.match(posts[0]?.path ?? "", /^\/_bulk\?filter_path=/);
    assert.equal(posts[0]?.headers["content-encoding"], "gzip");
  });

  it("is taken, sent again or dropped by the word that a bulk request's answer has for each", () => {
    const reply = (body: string, status = 200) =>
      bulkVerdict({ status, body: Buffer.from(body), retryAfterMs: undefined }, 4).kind;
    const item = (status: number, type = "", reason = "") => ({
      create: { status, error: { type, reason } },
    });
    const body = JSON.stringify({
      errors: true,
      items: [item(201), item(409), item(429, "es_rejected_execution_exception"), item(400, "mapper", "no")],
    });
    const verdict = bulkVerdict({ status: 200, body: Buffer.from(body), retryAfterMs: undefined }, 4);
    assert.deepEqual(verdict, {
      kind: "each",
      items: [
        { kind: "taken" },
        { kind: "taken" },
        { kind: "later", why: "429 es_rejected_execution_exception:" },
        { kind: "refused", why: "400 mapper: no" },
      ],
    });
    assert.equal(reply('{"errors":false}'), "taken");
    assert.equal(reply('{"errors":true,"items":[]}'), "later");
    assert.equal(reply("<html>"), "later");
    assert.equal(reply("", 413), "refused");
    for (const status of [401, 403, 404, 429, 500, 503])
      assert.equal(reply("", status), "later", String(status));
  });

  it("is a push to Loki with few labels, and what else is known beside each line", async () => {
    const port = await listen(() => ({ status: 204 }));
    const shape = {
      labels: ["source", "namespace", "node"],
      podLabels: { app: "app.kubernetes.io/name" },
      cluster: undefined,
      structuredMetadata: true,
    } as const;
    const receiver = opened(
      lokiReceiver(accessTo(port, { url: new URL(`http://127.0.0.1:${port}/x/`) }), shape),
    );
    assert.deepEqual(await receiver.send([line, event, { ...line, text: "b" }], until()), { kind: "taken" });
    assert.equal(posts[0]?.path, "/x/loki/api/v1/push");
    const known = { pod: "web", pod_uid: "u1", restarts: "2", output: "stderr", level: "warn" };
    assert.deepEqual(JSON.parse(posts[0]?.body.toString("utf8") ?? ""), {
      streams: [
        {
          stream: { source: "containers", node: "node-1", namespace: "shop", app: "shop-web" },
          values: [
            ["1767398398123456789", line.text, known],
            ["1767398398123456789", "b", known],
          ],
        },
        {
          stream: { source: "events", namespace: "shop" },
          values: [["1767398400000000000", event.text, { k8s_event_reason: "BackOff" }]],
        },
      ],
    });
    const older = opened(lokiReceiver(accessTo(port), { ...shape, structuredMetadata: false }));
    await older.send([line], until());
    assert.deepEqual(JSON.parse(posts[1]?.body.toString("utf8") ?? "").streams[0].values, [
      ["1767398398123456789", line.text],
    ]);
  });

  it("is OTLP as another reader of protobuf reads it, with a partial success counted", async () => {
    const partial = exportResponse.encode({
      partialSuccess: { rejectedLogRecords: 1, errorMessage: "too old" },
    });
    const bodies = [exportResponse.encode({}).finish(), partial.finish()];
    const port = await listen(() => ({ status: 200, body: bodies.shift() ?? "" }));
    const receiver = opened(
      otlpHttpReceiver(accessTo(port, { headers: { "x-scope": "a" } }), { cluster: "c1" }),
    );
    assert.deepEqual(await receiver.send([line, event], until()), { kind: "taken" });
    checkExport(
      exportRequest.toObject(exportRequest.decode(posts[0]?.body ?? Buffer.alloc(0)), { longs: String }),
    );
    assert.equal(posts[0]?.headers["content-type"], "application/x-protobuf");
    assert.equal(posts[0]?.headers["x-scope"], "a");
    assert.deepEqual(await receiver.send([line], until()), { kind: "mostly", lost: 1, why: "too old" });
  });

  it("is OTLP to a gRPC server of another make, over TLS with a certificate of ours and a token", async () => {
    const authority = await createAuthority({ name: "receivers" });
    const issued = (commonName: string, usage: "server" | "client") =>
      issueCertificate(authority, { commonName, usage, addresses: ["127.0.0.1"] });
    const [own, ours] = [await issued("server", "server"), await issued("agent", "client")];
    const received: { readonly body: object; readonly authorization: string }[] = [];
    const failures: Partial<grpc.ServiceError>[] = [
      { code: grpc.status.UNAVAILABLE, details: "not now" },
      { code: grpc.status.INVALID_ARGUMENT, details: "poison" },
    ];
    const server = new grpc.Server();
    server.addService(
      {
        export: {
          path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
          requestStream: false,
          responseStream: false,
          requestSerialize: (bytes: Buffer) => bytes,
          requestDeserialize: (bytes: Buffer) => bytes,
          responseSerialize: (bytes: Buffer) => bytes,
          responseDeserialize: (bytes: Buffer) => bytes,
        },
      },
      {
        export: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) => {
          const body = exportRequest.toObject(exportRequest.decode(call.request), { longs: String });
          received.push({ body, authorization: String(call.metadata.get("authorization")[0]) });
          const failure = failures[received.length - 2];
          if (failure !== undefined) answer(failure as grpc.ServiceError);
          else answer(null, Buffer.from(exportResponse.encode({}).finish()));
        },
      },
    );
    const pair = { private_key: Buffer.from(own.privateKeyPem), cert_chain: Buffer.from(own.certificatePem) };
    const credentials = grpc.ServerCredentials.createSsl(Buffer.from(authority.certificatePem), [pair], true);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", credentials, (error, at) => (error ? reject(error) : resolve(at))),
    );
    closers.push(async () => server.forceShutdown());
    const access = accessTo(port, {
      url: new URL(`https://127.0.0.1:${port}`),
      gzip: false,
      caFile: file("ca.pem", authority.certificatePem),
      certFile: file("cert.pem", ours.certificatePem),
      keyFile: file("key.pem", ours.privateKeyPem),
      bearerTokenFile: file("token", "s3cret\n"),
    });
    const os = { clock: systemClock, random: new Prng(1) };
    const receiver = opened(otlpGrpcReceiver(access, { cluster: "c1" }, os));
    assert.deepEqual(await receiver.send([line, event], until()), { kind: "taken" });
    checkExport(received[0]?.body);
    assert.equal(received[0]?.authorization, "Bearer s3cret");
    assert.deepEqual(await receiver.send([line], until()), { kind: "later", why: "UNAVAILABLE: not now" });
    assert.deepEqual(await receiver.send([line], until()), {
      kind: "refused",
      why: "INVALID_ARGUMENT: poison",
    });
    server.forceShutdown();
    const last = await receiver.send([line], until());
    assert.equal(last.kind, "later");
    assert.ok(!JSON.stringify(last).includes("s3cret"));
  });

  it("goes by TLS to who has the authority's certificate, as the user whose password is in a file", async () => {
    const authority = await createAuthority({ name: "receivers" });
    const own = await issueCertificate(authority, {
      commonName: "x",
      usage: "server",
      addresses: ["127.0.0.1"],
    });
    const seen: (string | undefined)[] = [];
    const server = await httpReceiver(
      ({ headers }) => {
        seen.push(headers.authorization);
        return { status: 200, body: '{"errors":false}' };
      },
      createTlsServer({ key: own.privateKeyPem, cert: own.certificatePem }) as never,
    );
    closers.push(server.close);
    const passwordFile = file("password", "p1");
    const access = accessTo(server.port, {
      url: new URL(`https://127.0.0.1:${server.port}`),
      basic: { username: "elastic", passwordFile },
    });
    const shape = { index: "x", cluster: undefined };
    const blind = opened(elasticsearchReceiver(access, shape));
    await assert.rejects(blind.send([line], until()), /self-signed certificate|unable to verify/);
    const caFile = file("ca.pem", authority.certificatePem);
    const receiver = opened(elasticsearchReceiver({ ...access, caFile }, shape));
    assert.deepEqual(await receiver.send([line], until()), { kind: "taken" });
    writeFileSync(passwordFile, "p2");
    assert.deepEqual(await receiver.send([line], until()), { kind: "taken" });
    const basic = (password: string) => `Basic ${Buffer.from(`elastic:${password}`).toString("base64")}`;
    assert.deepEqual(seen, [basic("p1"), basic("p2")]);
    rmSync(passwordFile);
    await assert.rejects(receiver.send([line], until()), /ENOENT/);
  });

  it("is sent again after as long as a server asks for, and when no answer comes in time", async () => {
    const port = await listen(() => ({ status: 429, body: "slow\ndown", headers: { "retry-after": "7" } }));
    const shape = {
      labels: ["source"],
      podLabels: {},
      cluster: undefined,
      structuredMetadata: true,
    } as const;
    const receiver = opened(lokiReceiver(accessTo(port), shape));
    assert.deepEqual(await receiver.send([line], until()), {
      kind: "later",
      why: "HTTP 429: slow down",
      afterMs: 7000,
    });
    const cut = opened(lokiReceiver(accessTo(await listen(() => undefined)), shape));
    await assert.rejects(cut.send([line], until()), /socket hang up|ECONNRESET/);
  });

  it("is JSON lines in a file that gives way when it is full, after a line that was cut off", async () => {
    const path = join(folder, "out", "all.ndjson");
    mkdirSync(join(folder, "out"));
    writeFileSync(path, '{"torn":');
    const rotation = { bytesMax: 700, ageDaysMax: 0, filesMax: 0, isLocalTime: false };
    // Several processes write to it.
    const receivers = [1, 2].map(() => opened(fileReceiver(path, rotation)));
    for (const [at, id] of ["1", "2", "3"].entries())
      await receivers[at % 2]?.send([{ ...line, id }, event], until());
    const names = readdirSync(join(folder, "out")).sort();
    assert.ok(names.length > 1);
    const text = names.map((name) => readFileSync(join(folder, "out", name), "utf8")).join("");
    const [torn, ...whole] = text.trimEnd().split("\n");
    assert.equal(torn, '{"torn":');
    const lines = whole.map((one) => JSON.parse(one));
    assert.deepEqual(
      lines.map(({ id }) => id),
      ["1", "e-7", "2", "e-7", "3", "e-7"],
    );
    const { key: _, ...shown } = web;
    const { stream: __, ...own } = line;
    assert.deepEqual(lines[0], { ...own, ...shown, id: "1" });
  });
});

const root = new protobuf.Root().loadSync(join(import.meta.dirname, "..", "testing", "logs.proto"));
const exportRequest = root.lookupType("opentelemetry.proto.collector.logs.v1.ExportLogsServiceRequest");
const exportResponse = root.lookupType("opentelemetry.proto.collector.logs.v1.ExportLogsServiceResponse");

function checkExport(found: unknown): void {
  const attributes = (entries: Record<string, string>) =>
    Object.entries(entries).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const scope = { name: "pintle.dev/logs" };
  assert.deepEqual(found, {
    resourceLogs: [
      {
        resource: {
          attributes: attributes({
            "service.name": "shop-web",
            "k8s.cluster.name": "c1",
            "k8s.node.name": "node-1",
            "k8s.namespace.name": "shop",
            "k8s.pod.name": "web",
            "k8s.pod.uid": "u1",
            "k8s.pod.label.app": "web",
            "k8s.pod.label.app.kubernetes.io/name": "shop-web",
            "k8s.container.name": "app",
            "k8s.container.restart_count": "2",
            "log.file.path": "/logs/2.log",
            "pintle.source": "containers",
          }),
        },
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                timeUnixNano: "1767398398123456789",
                severityNumber: 13,
                severityText: "WARN",
                body: { stringValue: line.text },
                attributes: attributes({ "log.record.uid": "f-1", "log.iostream": "stderr" }),
                observedTimeUnixNano: "1767398398123456789",
              },
            ],
          },
        ],
      },
      {
        resource: { attributes: attributes({ "k8s.cluster.name": "c1", "pintle.source": "events" }) },
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                timeUnixNano: "1767398400000000000",
                body: { stringValue: event.text },
                attributes: attributes({
                  "log.record.uid": "e-7",
                  "k8s.namespace.name": "shop",
                  "k8s.event.reason": "BackOff",
                }),
                observedTimeUnixNano: "1767398400000000000",
              },
            ],
          },
        ],
      },
    ],
  });
}
