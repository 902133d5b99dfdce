import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageReader } from "../../../base/grpc/message-reader.ts";
import { frameTypes, uint32 } from "../../../base/http2/frames.ts";
import {
  call,
  grpcData,
  RawClient,
  type RawFrame,
  request,
  windowUpdate,
} from "../../../base/http2/testing/raw-client.ts";
import { utf8 } from "../../../base/wire.ts";
import { putRequest, watchRequest, watchResponse } from "../../../proto/etcd.ts";
import type { RunningStore } from "../../compose.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { answerOf } from "../promised-answer.ts";

const puts = 60;
const valueBytes = 10_000;
const streams = 40;
const initialWindow = (bytes: number) => Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]);
const watchAll = watchRequest.encode({ createRequest: { key: utf8("k"), rangeEnd: utf8("l") } });

/** A connection with a watch on each of its streams, of which it reads those that it is told to. */
class Watchers extends RawClient {
  readonly #readers = new Map<number, MessageReader>();

  constructor(port: number) {
    super(port);
    this.begin(initialWindow(20_000));
    this.send(windowUpdate(0, 2 ** 30));
  }

  async watch(streamId: number): Promise<void> {
    this.#readers.set(streamId, new MessageReader({ bytesMost: 1 << 24, encoding: "identity" }));
    const head = request(streamId, call("/etcdserverpb.Watch/Watch"), { end: false });
    this.send(head, grpcData(streamId, watchAll, false));
    while ((await this.#messages([streamId])).messages.length === 0);
  }

  /** Of each of some streams, the numbers in the values of its next `count` events. */
  async take(streamIds: readonly number[], count: number): Promise<readonly number[][]> {
    const numbers = new Map(streamIds.map((id) => [id, [] as number[]]));
    while ([...numbers.values()].some((some) => some.length < count)) {
      const { streamId, messages } = await this.#messages(streamIds);
      for (const message of messages)
        for (const { kv } of watchResponse.decode(message).events)
          numbers.get(streamId)?.push(kv?.value[0] ?? -1);
    }
    return [...numbers.values()];
  }

  async #messages(streamIds: readonly number[]) {
    const isMeant = ({ type, streamId }: RawFrame) =>
      type === frameTypes.DATA && streamIds.includes(streamId);
    const { streamId, payload } = await this.next(isMeant);
    this.send(windowUpdate(streamId, payload.length));
    const reader = this.#readers.get(streamId);
    reader?.push(payload);
    const messages: Uint8Array[] = [];
    for (let one = reader?.next(); one !== undefined; one = reader?.next()) messages.push(one);
    return { streamId, messages };
  }
}

describe("a watcher that does not read", () => {
  let store: RunningStore;
  let dataDir: string;
  before(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "pintle-slow-watcher-"));
    store = await startAlone(dataDir);
  });
  after(async () => {
    await store.stop();
    await rm(dataDir, { recursive: true });
  });

  it("holds up none of the others of its connection, is not kept more than its bound, and misses nothing", async () => {
    const client = new Watchers(store.clientPorts[0] ?? 0);
    const ids = Array.from({ length: streams }, (_, at) => 2 * at + 1);
    for (const id of ids) await client.watch(id);
    const [slow = 0, ...quick] = ids;
    const put = store.member.handlers.unary.get("/etcdserverpb.KV/Put");
    assert.ok(put);
    const wanted = Array.from({ length: puts }, (_, at) => at);
    const taken = client.take(quick, puts);
    for (const at of wanted) {
      const one = putRequest.encode({ key: utf8(`k${at % 7}`), value: Buffer.alloc(valueBytes, at) });
      await answerOf(put, one, { requireLeader: false });
    }
    for (const numbers of await taken) assert.deepEqual(numbers, wanted);
    assert.equal(store.member.state.hub.slowWatchers, 1);
    const [late] = await client.take([slow], puts);
    assert.deepEqual(late, wanted);
    assert.equal(store.member.state.hub.slowWatchers, 0);
    client.socket.destroy();
  });
});
