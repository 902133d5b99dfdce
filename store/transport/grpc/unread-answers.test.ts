import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Deferred, deferred } from "../../../base/deferred.ts";
import { answerLimits } from "../../../base/http2/answer-lane.ts";
import { errorCodes, frame, frameFlags, frameTypes, uint32 } from "../../../base/http2/frames.ts";
import {
  call,
  grpcData,
  isType,
  RawClient,
  request,
  windowUpdate,
} from "../../../base/http2/testing/raw-client.ts";
import { utf8 } from "../../../base/wire.ts";
import { rangeRequest, txnRequest } from "../../../proto/etcd.ts";
import type { RunningStore } from "../../compose.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { serve } from "../fixtures/serve.ts";

const { HEADERS, DATA, SETTINGS, GOAWAY, RST_STREAM } = frameTypes;
const MiB = 1 << 20;
const windowOf = (bytes: number) => Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]);
const isEnd = ({ flags }: { readonly flags: number }) => (flags & frameFlags.END_STREAM) !== 0;
const key = (at: number) => utf8(`k/${String(at).padStart(2, "0")}`);
const keys = 40;
const one = (at: number) => rangeRequest.encode({ key: key(at % keys) });
const everything = rangeRequest.encode({ key: utf8("k/"), rangeEnd: utf8("k0") });

/** Asks on so many streams and takes none of the answers. */
class Greedy extends RawClient {
  readonly #count: number;

  constructor(port: number, path: string, messages: readonly Uint8Array[]) {
    super(port);
    this.#count = messages.length;
    this.begin(windowOf(0));
    for (const [at, message] of messages.entries()) {
      const id = 2 * at + 1;
      this.send(request(id, call(path), { end: false }), grpcData(id, message));
    }
  }

  /** Takes everything now. The most bytes that were begun and not taken at any time, where an answer has so many. */
  async takeAll(answerBytes: number): Promise<number> {
    this.send(frame(SETTINGS, 0, 0, windowOf(2 ** 30)), windowUpdate(0, 2 ** 30));
    let unread = 0;
    let most = 0;
    for (let taken = 0; taken < this.#count; ) {
      const seen = await this.next(({ type }) => type === HEADERS || type === DATA);
      if (seen.type === DATA) unread -= seen.payload.length;
      else if (isEnd(seen)) taken += 1;
      else unread += answerBytes;
      most = Math.max(most, unread);
    }
    return most;
  }
}

describe("answers that their client leaves unread", () => {
  const range = "/etcdserverpb.KV/Range";
  const rangeStream = "/etcdserverpb.KV/RangeStream";
  const txn = "/etcdserverpb.KV/Txn";
  let store: RunningStore;
  let dataDir: string;
  const clients: RawClient[] = [];
  const greedy = (path: string, messages: readonly Uint8Array[]) => {
    const client = new Greedy(store.clientPorts[0] ?? 0, path, messages);
    clients.push(client);
    return client;
  };
  /** So many reads of another connection one after the other: by then what waits for nothing was done. */
  const othersGoOn = async (message: Uint8Array, count: number) => {
    const client = new RawClient(store.clientPorts[0] ?? 0);
    clients.push(client);
    client.begin(windowOf(2 ** 30));
    client.send(windowUpdate(0, 2 ** 30));
    for (let id = 1; id < 2 * count; id += 2) {
      client.send(request(id, call(range), { end: false }), grpcData(id, message));
      await client.next((seen) => seen.streamId === id && seen.type === HEADERS && isEnd(seen));
      client.frames.length = 0;
    }
  };
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-unread-"));
    store = await startAlone(dataDir);
    await store.ready;
    const value = Buffer.alloc(MiB, 7);
    for (let at = 0; at < keys; at++) await store.member.proposer.propose("put", { key: key(at), value });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.destroy();
  });
  after(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  it("are bounded in bytes: further reads wait, those of other connections go on, and all are answered in the end", async () => {
    const client = greedy(
      range,
      Array.from({ length: 100 }, (_, at) => one(at)),
    );
    await othersGoOn(one(0), 30);
    const most = await client.takeAll(MiB);
    assert.ok(most <= answerLimits.smallMost + MiB, `${most} bytes were kept`);
  }).timeout(60_000);

  for (const [what, path, message] of [
    ["ranges", range, everything],
    ["transactions that only read", txn, readTxn()],
  ] as const)
    it(`are one large one beyond the bound at most, where ${what} are large`, async () => {
      const client = greedy(
        path,
        Array.from({ length: 4 }, () => message),
      );
      await othersGoOn(everything, 3);
      const most = await client.takeAll(keys * MiB);
      assert.ok(most <= answerLimits.largeMost + keys * MiB, `${most} bytes were kept`);
    }).timeout(60_000);

  it("are bounded in bytes where ranges are streamed, too", async () => {
    const readBefore = store.member.state.mvcc.counts.ranges;
    const client = greedy(
      rangeStream,
      Array.from({ length: 12 }, () => everything),
    );
    await othersGoOn(one(0), 200);
    const kept = store.member.state.mvcc.counts.ranges - readBefore - 200;
    assert.equal(kept, answerLimits.partsMost / answerLimits.partReserved, "chunks that were read");
    await client.takeAll(0);
  }).timeout(60_000);

  it("hold up reads only until their streams are reset", async () => {
    const client = greedy(
      range,
      Array.from({ length: 100 }, (_, at) => one(at)),
    );
    await othersGoOn(one(0), 20);
    for (let at = 0; at < 99; at++) client.send(frame(RST_STREAM, 0, 2 * at + 1, uint32(errorCodes.CANCEL)));
    client.send(frame(SETTINGS, 0, 0, windowOf(2 ** 30)), windowUpdate(0, 2 ** 30));
    await client.next((seen) => seen.streamId === 199 && seen.type === HEADERS && isEnd(seen));
  }).timeout(60_000);
});

function readTxn(): Uint8Array {
  const success = Array.from({ length: keys }, (_, at) => ({ requestRange: { key: key(at) } }));
  return txnRequest.encode({ success });
}

describe("answers to writes that their client leaves unread", () => {
  it("end its connection beyond the bound, drop what it did not read, and leave other connections alone", async () => {
    const large = Buffer.alloc(16 * MiB);
    const waiting: Deferred<Uint8Array>[] = [];
    const asked = deferred<void>();
    const count = answerLimits.otherMost / large.length + 8;
    const served = await serve({
      unary: {
        "/test.Test/Write": () => {
          const answer = deferred<Uint8Array>();
          waiting.push(answer);
          if (waiting.length === count) asked.resolve();
          return answer.promise;
        },
        "/test.Test/Echo": (bytes) => bytes,
      },
    });
    const client = new Greedy(
      served.port,
      "/test.Test/Write",
      Array.from({ length: count }, () => Buffer.from("a")),
    );
    const other = new RawClient(served.port);
    other.begin();
    await asked.promise;
    for (const answer of waiting) answer.resolve(large);
    const { payload } = await client.next(isType(GOAWAY));
    assert.equal(payload.readUInt32BE(4), errorCodes.ENHANCE_YOUR_CALM);
    const begun = client.frames.filter(({ type }) => type === HEADERS).length;
    assert.ok(begun * large.length <= answerLimits.otherMost + large.length, `${begun} answers were kept`);
    await client.closed();
    other.send(request(1, call("/test.Test/Echo"), { end: false }), grpcData(1, Buffer.from("b")));
    assert.equal((await other.next(isType(DATA, 1))).payload.subarray(5).toString(), "b");
    other.socket.destroy();
    await served.stop();
  }).timeout(60_000);
});
