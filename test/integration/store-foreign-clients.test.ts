import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { must } from "../../base/assert.ts";
import { giveInput } from "../../base/os/give-input.ts";
import { text, utf8 } from "../../base/wire.ts";
import { methods } from "../../proto/etcd-methods.ts";
import { writeServerTls } from "../../store/testing/server-tls.ts";
import { startAlone } from "../../store/testing/start-alone.ts";
import { isInstalled } from "../local-cluster.ts";
import { PythonClient, pythonWithGrpc } from "./python-client.ts";

/** A member in this process that a test's clients connect to. */
interface Place {
  readonly folder: string;
  readonly url: string;
  /** The authority that the member is trusted by, a PEM file; undefined without TLS. */
  readonly authorityFile: string | undefined;
}

async function startPlace(secure: boolean): Promise<Place & { stop(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), "pintle-foreign-"));
  const tls = secure ? await writeServerTls(folder) : undefined;
  const store = await startAlone(join(folder, "data"), ...(tls?.flags ?? []));
  await store.ready;
  return {
    folder,
    url: `${secure ? "https" : "http"}://127.0.0.1:${store.clientPorts[0]}`,
    authorityFile: tls?.authorityFile,
    async stop() {
      await store.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

for (const secure of [false, true])
  describe(`a member that serves ${secure ? "over TLS" : "without TLS"}`, function () {
    this.timeout(120_000);
    let place: Awaited<ReturnType<typeof startPlace>>;
    before(async () => {
      place = await startPlace(secure);
    });
    after(() => place?.stop());

    describe("etcdctl (Go)", () => etcdctlTests(() => place));
    describe("grpcio (Python)", () => grpcioTests(() => place));
    describe("h2load (C)", () => h2loadTests(() => place));
    describe("nghttp (C)", () => nghttpTests(() => place));
  });

function etcdctlTests(place: () => Place): void {
  const running: ChildProcess[] = [];
  before(function () {
    if (!isInstalled("etcdctl")) return this.skip();
  });
  afterEach(async () => {
    for (const child of running.splice(0)) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    }
  });

  function start(...words: readonly string[]): ChildProcess {
    const { url, authorityFile } = place();
    const trust = authorityFile === undefined ? [] : [`--cacert=${authorityFile}`];
    const env = { PATH: process.env.PATH, ETCDCTL_API: "3" };
    const child = spawn("etcdctl", [`--endpoints=${url}`, ...trust, ...words], { env });
    running.push(child);
    return child;
  }
  /** What it writes to both of its outputs until it ends. */
  async function outputOf(child: ChildProcess): Promise<string> {
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    await once(child, "close");
    return output.trim();
  }
  const etcdctl = (...words: readonly string[]) => outputOf(start(...words));
  /** The next line that it writes; undefined once it has ended. */
  function linesOf(child: ChildProcess): () => Promise<string | undefined> {
    const lines = createInterface({ input: must(child.stdout, "a pipe") })[Symbol.asyncIterator]();
    return async () => (await lines.next()).value;
  }

  it("takes the branch of a transaction that its comparisons choose", async () => {
    await etcdctl("put", "go/txn", "1");
    const script = 'value("go/txn") = "1"\n\nput go/txn 2\nget go/txn\n\nget go/txn\n\n';
    for (const answer of ["SUCCESS\n\nOK\n\ngo/txn\n2", "FAILURE\n\ngo/txn\n2"]) {
      const child = start("txn");
      giveInput(child, script);
      assert.equal(await outputOf(child), answer);
    }
  });

  it("watches what was and what comes", async () => {
    await etcdctl("put", "go/watched", "1");
    const next = linesOf(start("watch", "go/watched", "--rev=1"));
    assert.deepEqual([await next(), await next(), await next()], ["PUT", "go/watched", "1"]);
    await etcdctl("put", "go/watched", "2");
    assert.deepEqual([await next(), await next(), await next()], ["PUT", "go/watched", "2"]);
    await etcdctl("del", "go/watched");
    assert.deepEqual([await next(), await next()], ["DELETE", "go/watched"]);
  });

  it("keeps a lease alive, again and again", async () => {
    const granted = await etcdctl("lease", "grant", "6");
    const id = must(/^lease ([0-9a-f]+) granted with TTL\(6s\)$/.exec(granted)?.[1], granted);
    await etcdctl("put", "go/leased", "1", `--lease=${id}`);
    const next = linesOf(start("lease", "keep-alive", id));
    const alive = `lease ${id} keepalived with TTL(6)`;
    assert.deepEqual([await next(), await next()], [alive, alive]);
    assert.equal(await etcdctl("lease", "revoke", id), `lease ${id} revoked`);
    let line = await next();
    while (line === alive) line = await next();
    assert.equal(line, `lease ${id} expired or revoked.`);
    assert.equal(await etcdctl("get", "go/leased"), "");
  });
}

function grpcioTests(place: () => Place): void {
  let client: PythonClient;
  before(function () {
    if (pythonWithGrpc === undefined) return this.skip();
    const { url, authorityFile } = place();
    client = new PythonClient(pythonWithGrpc, new URL(url).host, authorityFile);
  });
  after(() => client?.stop());

  for (const compression of ["NoCompression", "Gzip", "Deflate"] as const)
    it(`puts and ranges a value of a mebibyte, ${compression}`, async () => {
      const key = utf8(`python/${compression}`);
      const value = utf8("v".repeat(1 << 20));
      const put = await client.unary(methods.put, { key, value }, compression);
      const { header, kvs } = await client.unary(methods.range, { key }, compression);
      assert.equal(header?.revision, put.header?.revision);
      assert.deepEqual(
        kvs.map((one) => Buffer.from(one.value).equals(value)),
        [true],
      );
    });

  it("makes hundreds of calls at once on its one connection", async () => {
    const keys = Array.from({ length: 300 }, (_, n) => utf8(`python/many/${n}`));
    await Promise.all(keys.map((key) => client.unary(methods.put, { key, value: key })));
    const answers = await Promise.all(keys.map((key) => client.unary(methods.range, { key })));
    assert.deepEqual(
      answers.map(({ kvs }) => text(must(kvs[0], "a key").value)),
      keys.map(text),
    );
  });

  it("is told why a call failed", async () => {
    await assert.rejects(client.unary(methods.range, { key: utf8("a"), revision: 1_000_000 }), {
      message: "OUT_OF_RANGE: etcdserver: mvcc: required revision is a future revision",
    });
    await assert.rejects(client.unary({ ...methods.range, path: "/etcdserverpb.KV/None" }, {}), {
      message: "UNIMPLEMENTED: unknown method None for service etcdserverpb.KV",
    });
  });

  it("watches until it cancels the stream", async () => {
    const key = utf8("python/watched");
    const watch = client.open(methods.watch);
    watch.send({ createRequest: { key } });
    assert.equal((await watch.next())?.created, true);
    const { header } = await client.unary(methods.put, { key, value: utf8("1") });
    const { events = [] } = (await watch.next()) ?? {};
    assert.deepEqual(
      events.map(({ type, kv }) => [type, text(kv?.value ?? utf8("none")), kv?.modRevision]),
      [["PUT", "1", header?.revision]],
    );
    watch.cancel();
    await assert.rejects(watch.next(), /^Error: CANCELLED: /);
  });

  it("keeps a lease alive until it closes its side", async () => {
    const { id } = await client.unary(methods.leaseGrant, { ttl: 600 });
    const stream = client.open(methods.leaseKeepAlive);
    for (let n = 0; n < 2; n++) {
      stream.send({ id });
      const answer = await stream.next();
      assert.deepEqual([answer?.id, answer?.ttl], [id, 600]);
    }
    stream.halfClose();
    assert.equal(await stream.next(), undefined);
  });
}

const grpcHeaders = ["-H", "content-type: application/grpc", "-H", "te: trailers"];

/** A request as it stands in DATA frames, in a file. */
function messageFile({ folder }: Place, name: string, message: Uint8Array): string {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  const file = join(folder, name);
  writeFileSync(file, Buffer.concat([prefix, message]));
  return file;
}

/** Runs nghttp: what it writes. */
async function nghttp(...words: readonly string[]): Promise<Buffer> {
  const options = { encoding: "buffer", maxBuffer: 1 << 24 } as const;
  return (await promisify(execFile)("nghttp", [...words], options)).stdout;
}

/** The key and its value, read with nghttp. */
async function rangeByNghttp(place: Place, key: string, ...options: readonly string[]) {
  const file = messageFile(place, "range", methods.range.request.encode({ key: utf8(key) }));
  const body = await nghttp(...options, ...grpcHeaders, "-d", file, place.url + methods.range.path);
  assert.equal(body.readUInt32BE(1), body.length - 5);
  return must(methods.range.response.decode(body.subarray(5)).kvs[0], "the key is there");
}

function h2loadTests(place: () => Place): void {
  before(function () {
    if (!isInstalled("h2load") || !isInstalled("nghttp")) return this.skip();
  });

  it("puts thousands of times, none in vain", async () => {
    const count = 4000;
    const put = methods.put.request.encode({ key: utf8("h2load"), value: new Uint8Array(256) });
    const load = ["-n", String(count), "-c", "20", "-m", "10", "-d", messageFile(place(), "put", put)];
    const done = await doneWell(place());
    const { stdout } = await promisify(execFile)("h2load", [
      ...load,
      ...grpcHeaders,
      place().url + methods.put.path,
    ]);
    assert.match(
      stdout,
      new RegExp(` ${count} done, ${count} succeeded, 0 failed, 0 errored, 0 timeout$`, "m"),
    );
    assert.match(stdout, new RegExp(`^status codes: ${count} 2xx, 0 3xx, 0 4xx, 0 5xx$`, "m"));
    assert.equal((await doneWell(place())) - done, count, "with grpc-status 0");
    assert.equal((await rangeByNghttp(place(), "h2load")).version, count);
  });

  /** How many puts the member has answered with grpc-status 0 so far. */
  async function doneWell({ url }: Place): Promise<number> {
    const row = /^grpc_server_handled_total\{grpc_code="OK",grpc_method="Put",.*\} (\d+)$/m;
    return Number(row.exec((await nghttp(`${url}/metrics`)).toString())?.[1] ?? 0);
  }
}

function nghttpTests(place: () => Place): void {
  before(function () {
    if (!isInstalled("nghttp")) return this.skip();
  });

  /** The frames and headers that come for a put, in order. */
  async function answerTo(request: Parameters<typeof methods.put.request.encode>[0], ...options: string[]) {
    const file = messageFile(place(), "put", methods.put.request.encode(request));
    const told = await nghttp("-nv", ...options, ...grpcHeaders, "-d", file, place().url + methods.put.path);
    const row = /recv \(stream_id=\d+\) (\S.*)|recv (HEADERS|DATA) frame/g;
    return [...told.toString("latin1").matchAll(row)].map(([, header, frame]) => header ?? frame);
  }
  const head = [
    ":status: 200",
    "content-type: application/grpc",
    "grpc-accept-encoding: identity,deflate,gzip",
  ];

  for (const options of [[], ["--padding=255"], ["--continuation"], ["--header-table-size=0"], ["--no-dep"]])
    it(`sees a put answered and its trailers after it, ${options.join() || "as it asks by itself"}`, async () => {
      const answer = await answerTo({ key: utf8("nghttp"), value: utf8("1") }, ...options);
      assert.deepEqual(answer, [...head, "HEADERS", "DATA", "grpc-status: 0", "HEADERS"]);
    });

  it("sees a refusal in trailers alone", async () => {
    assert.deepEqual(await answerTo({ key: utf8("nghttp"), lease: 4711n }), [
      ...head,
      "grpc-status: 5",
      "grpc-message: etcdserver: requested lease not found",
      "HEADERS",
    ]);
  });

  it("sends and takes a mebibyte through windows of some hundred bytes", async () => {
    const value = Buffer.alloc(1 << 20, "v");
    const windows = ["--window-bits=8", "--connection-window-bits=10"];
    const answer = await answerTo({ key: utf8("large"), value }, ...windows);
    assert.equal(answer.at(-2), "grpc-status: 0");
    const read = await rangeByNghttp(place(), "large", ...windows);
    assert.ok(value.equals(read.value));
  });
}
