import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deferred } from "../../../base/deferred.ts";
import { failpoint } from "../../../base/failpoints/failpoint.ts";
import { text, utf8 } from "../../../base/wire.ts";
import {
  type RangeRequest,
  type RangeResponse,
  rangeRequest,
  rangeStreamResponse,
} from "../../../proto/etcd.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import type { RunningStore } from "../../compose.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { type Call, type Incoming, joinsParts } from "../handler.ts";
import { answerOf } from "../promised-answer.ts";

const keysCount = 75;
const key = (at: number) => utf8(`k${String(at).padStart(3, "0")}`);
const everything = { key: utf8("k"), rangeEnd: utf8("l") };
const beforeChunk = failpoint("beforeRangeStreamChunk");

/** What a client of one stream is told. It reads all, or is slow after the first chunk (`one`), or
 *  after each. */
class Listener {
  readonly chunks: RangeResponse[] = [];
  readonly over: Promise<Error | undefined>;
  readonly incoming: Incoming;

  constructor(
    store: RunningStore,
    request: Partial<RangeRequest>,
    call: Partial<Call> = {},
    reads: "all" | "one" | "none" = "all",
  ) {
    const served = store.member.handlers.streams.get(methods.rangeStream.path);
    assert.ok(served !== undefined);
    const { promise, resolve } = deferred<Error | undefined>();
    this.over = promise;
    const send = (bytes: Uint8Array) => {
      const { rangeResponse: chunk } = rangeStreamResponse.decode(bytes);
      assert.ok(chunk !== undefined);
      this.chunks.push(chunk);
      return reads === "all" || (reads === "one" && this.chunks.length > 1);
    };
    const out = { send, sendParts: joinsParts(send), end: resolve };
    this.incoming = served.handler(out, { requireLeader: false, ...call });
    Promise.resolve(this.incoming.message(rangeRequest.encode(request))).catch(resolve);
  }

  get keys(): readonly string[] {
    return this.chunks.flatMap(({ kvs }) => kvs.map((kv) => text(kv.key)));
  }

  get sizes(): readonly number[] {
    return this.chunks.map(({ kvs }) => kvs.length);
  }

  get last(): RangeResponse {
    const last = this.chunks.at(-1);
    assert.ok(last !== undefined);
    return last;
  }
}

describe("a range as a stream", function () {
  this.timeout(60_000);
  let folder: string;
  let store: RunningStore;
  const ask = async <Q extends object, A extends object>(method: Method<Q, A>, request: Partial<Q>) => {
    const handler = store.member.handlers.unary.get(method.path);
    assert.ok(handler !== undefined);
    const bytes = await answerOf(handler, method.request.encode(request as Q), { requireLeader: false });
    return method.response.decode(bytes);
  };
  const told = async (request: Partial<RangeRequest>) => {
    const listener = new Listener(store, request);
    assert.equal(await listener.over, undefined);
    return listener;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-range-stream-"));
    store = await startAlone(folder, "--bcrypt-cost=4", "--max-request-bytes=1000");
    await store.ready;
    for (let at = 0; at < keysCount; at++)
      await ask(methods.put, { key: key(at), value: Buffer.alloc(10, at) });
  });
  afterEach(async () => {
    beforeChunk.disarm();
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("is what a range answers, in chunks of about as many bytes as a request may have", async () => {
    for (const asked of [
      everything,
      { ...everything, limit: 5 },
      { ...everything, limit: 10 },
      { ...everything, limit: 31 },
      { ...everything, limit: keysCount },
      { ...everything, limit: 1_000 },
      { ...everything, keysOnly: true },
      { ...everything, countOnly: true, limit: 3 },
      { ...everything, revision: 40 },
      { ...everything, serializable: true, sortOrder: "ASCEND" as const },
      { key: key(3) },
      { key: utf8("none") },
      { key: utf8("x"), rangeEnd: utf8("y") },
      { key: utf8("l"), rangeEnd: utf8("k") },
      { key: utf8("k05"), rangeEnd: Uint8Array.of(0) },
    ]) {
      const { chunks } = await told(asked);
      const whole = await ask(methods.range, asked);
      const merged = chunks.reduce((sum, { kvs, ...last }) => ({ ...last, kvs: [...sum.kvs, ...kvs] }));
      assert.deepEqual(merged, whole, JSON.stringify(asked));
      for (const { header, more, count } of chunks.slice(0, -1))
        assert.deepEqual({ header, more, count }, { header: undefined, more: false, count: 0 });
    }
    // Some 300 bytes for 10 keys; 20 keys are more than half of what a chunk should be.
    assert.deepEqual((await told(everything)).sizes, [10, 20, 20, 20, 5]);
    assert.deepEqual((await told({ ...everything, limit: 31 })).sizes, [10, 20, 1]);
  });

  it("halves its chunks where they are more than twice too long", async () => {
    const before = new Listener(store, everything);
    await before.over;
    for (let at = 0; at < keysCount; at++)
      await ask(methods.put, { key: key(at), value: Buffer.alloc(900, at) });
    assert.deepEqual((await told({ ...everything, limit: 20 })).sizes, [10, 5, 2, 2, 1]);
  });

  it("ends a chunk early where its values would fill the memory, and goes on behind it", async () => {
    for (let at = 0; at < keysCount; at++)
      await ask(methods.put, { key: key(at), value: Buffer.alloc(at < 30 ? 0 : 900, at) });
    const { keys, sizes, last } = await told(everything);
    assert.deepEqual(sizes.slice(0, 5), [10, 20, 18, 9, 4], "40 would be 37 kB");
    assert.deepEqual([keys.length, new Set(keys).size, last.count, last.more], [75, 75, 75, false]);
    const limited = await told({ ...everything, limit: 60 });
    assert.deepEqual([limited.keys.length, limited.last.count, limited.last.more], [60, 75, true]);
  });

  it("shows the state at which it began, and tells its revision", async () => {
    const { header } = await ask(methods.range, { ...everything, countOnly: true });
    const stream = new Listener(store, everything, {}, "one");
    await until(() => stream.chunks.length === 1);
    await ask(methods.put, { key: key(50), value: utf8("new") });
    await ask(methods.deleteRange, { key: key(60) });
    await ask(methods.put, { key: utf8("k0005"), value: utf8("new") });
    stream.incoming.drained();
    assert.equal(await stream.over, undefined);
    assert.deepEqual(
      stream.keys,
      Array.from({ length: keysCount }, (_, at) => text(key(at))),
    );
    assert.deepEqual([stream.last.header?.revision, stream.last.count], [header?.revision, keysCount]);
    assert.ok((stream.last.header?.raftTerm ?? 0) > 0);
  });

  it("ends where what it has yet to show was compacted", async () => {
    const stream = new Listener(store, everything, {}, "one");
    await until(() => stream.chunks.length === 1);
    const { header } = await ask(methods.put, { key: key(1), value: utf8("new") });
    await ask(methods.compact, { revision: header?.revision ?? 0 });
    stream.incoming.drained();
    assert.match(String(await stream.over), /required revision has been compacted/);
    assert.deepEqual(stream.sizes, [10]);
  });

  it("reads no chunk before its client has taken the one before", async () => {
    const chunksRead = () => store.member.state.mvcc.counts.ranges;
    const stream = new Listener(store, { ...everything, serializable: true }, {}, "none");
    await until(() => stream.chunks.length === 1);
    const before = chunksRead();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.deepEqual([stream.sizes, chunksRead()], [[10], before]);
    stream.incoming.drained();
    await until(() => stream.chunks.length === 2);
    stream.incoming.closed();
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    assert.deepEqual([stream.sizes, chunksRead()], [[10, 20], before + 1]);
  });

  it("passes etcd's failpoint before each chunk", async () => {
    beforeChunk.arm("5*sleep(0)->panic");
    await told(everything);
    assert.equal(beforeChunk.terms?.count, 5);
  });

  it("refuses what etcd refuses", async () => {
    const refused = async (request: Partial<RangeRequest>) => {
      const error = await new Listener(store, request).over;
      return [(error as { status?: string } | undefined)?.status, error?.message];
    };
    const custom = ["UNIMPLEMENTED", "RangeStream does not support custom sort orders"];
    const filters = ["UNIMPLEMENTED", "RangeStream does not support revision filters"];
    assert.deepEqual(await refused({}), ["INVALID_ARGUMENT", "etcdserver: key is not provided"]);
    assert.deepEqual(await refused({ ...everything, sortOrder: 9 }), [
      "INVALID_ARGUMENT",
      "etcdserver: invalid sort option",
    ]);
    assert.deepEqual(await refused({ ...everything, sortOrder: "DESCEND" }), custom);
    assert.deepEqual(await refused({ ...everything, sortOrder: "ASCEND", sortTarget: "MOD" }), custom);
    for (const name of ["minModRevision", "maxModRevision", "minCreateRevision", "maxCreateRevision"])
      assert.deepEqual(await refused({ ...everything, [name]: 1 }), filters);
    assert.equal((await refused({ ...everything, revision: 1_000 }))[0], "OUT_OF_RANGE");
    await told({ ...everything, sortTarget: "MOD" });
  });

  const turnOn = async () => {
    await ask(methods.userAdd, { name: "root", password: "pw" });
    await ask(methods.userGrantRole, { user: "root", role: "root" });
    await ask(methods.authEnable, {});
  };

  it("sends nothing more once authentication is on, if it was off when it began", async () => {
    const stream = new Listener(store, everything, {}, "one");
    await until(() => stream.chunks.length === 1);
    await turnOn();
    stream.incoming.drained();
    assert.equal((await stream.over)?.message, "etcdserver: revision of auth store is old");
    assert.deepEqual(stream.sizes, [10]);
  });

  it("sends nothing more once users or roles have changed", async () => {
    await turnOn();
    const { token } = await ask(methods.authenticate, { name: "root", password: "pw" });
    const stream = new Listener(store, everything, { token }, "one");
    await until(() => stream.chunks.length === 1);
    const served = store.member.handlers.unary.get(methods.userAdd.path);
    assert.ok(served !== undefined);
    const ann = methods.userAdd.request.encode({ name: "ann", password: "pw" });
    await answerOf(served, ann, { requireLeader: false, token });
    stream.incoming.drained();
    assert.equal((await stream.over)?.message, "etcdserver: revision of auth store is old");
    assert.deepEqual(stream.sizes, [10]);
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(setImmediate);
}
