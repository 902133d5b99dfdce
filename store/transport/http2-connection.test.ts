import assert from "node:assert/strict";
import {
  errorCodes,
  frame,
  frameFlags,
  frameTypes,
  preface,
  settingIds,
  uint32,
} from "../../base/http2/frames.ts";
import {
  ackSettings,
  call,
  get,
  grpcData,
  isType,
  RawClient,
  request,
  windowUpdate,
} from "../../base/http2/testing/raw-client.ts";
import { type Served, serve, type UnaryService } from "./fixtures/serve.ts";
import { http2Limits } from "./http2-limits.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION } = frameTypes;
const isAck = ({ flags }: { readonly flags: number }) => (flags & frameFlags.ACK) !== 0;
const emptySettings = frame(SETTINGS, 0, 0, Buffer.alloc(0));
const setting = (id: number, value: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
};

describe("an HTTP/2 connection", () => {
  let served: Served;
  const clients: RawClient[] = [];
  let answer: UnaryService = (bytes) => bytes;
  before(async () => {
    served = await serve({ unary: { "/test.Test/Call": (bytes, context) => answer(bytes, context) } });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.destroy();
    answer = (bytes) => bytes;
  });
  after(() => served.stop());
  const open = () => {
    const client = new RawClient(served.port);
    clients.push(client);
    return client;
  };
  const begun = (settings?: Uint8Array) => {
    const client = open();
    client.begin(settings);
    return client;
  };
  const goneAway = async (client: RawClient) => {
    const { payload } = await client.next(isType(GOAWAY));
    await client.closed();
    return { lastStreamId: payload.readUInt32BE(0), code: payload.readUInt32BE(4) };
  };

  describe("before the first request", () => {
    it("sends its SETTINGS as soon as the preface says what is spoken", async () => {
      const client = open();
      client.send(preface.subarray(0, 4));
      const first = await client.next(() => true);
      assert.equal(first.type, SETTINGS);
      assert.equal(isAck(first), false);
    });

    it("knows the preface however it is cut", async () => {
      const client = open();
      for (const byte of preface) {
        client.send(Buffer.from([byte]));
        await new Promise(setImmediate);
      }
      client.send(emptySettings);
      await client.next((seen) => seen.type === SETTINGS && isAck(seen));
    });

    it("acknowledges the client's SETTINGS, once", async () => {
      const client = begun();
      await client.next((seen) => seen.type === SETTINGS && isAck(seen));
      client.send(frame(PING, 0, 0, Buffer.from("12345678")));
      await client.next(isType(PING));
      assert.equal(client.frames.filter((seen) => seen.type === SETTINGS && isAck(seen)).length, 0);
    });

    it("answers PING, whether or not its own SETTINGS were acknowledged", async () => {
      const client = open();
      client.send(preface, emptySettings, frame(PING, 0, 0, Buffer.from("12345678")));
      const pong = await client.next(isType(PING));
      assert.ok(isAck(pong));
      assert.equal(pong.payload.toString(), "12345678");
    });

    it("takes PRIORITY and frames it does not know, and serves what follows", async () => {
      const client = begun();
      client.send(frame(PRIORITY, 0, 3, Buffer.alloc(5)), frame(0xbe, 0, 0, Buffer.alloc(3)));
      client.send(request(5, get));
      assert.equal(client.headersOf(await client.next(isType(HEADERS, 5)))[":status"], "200");
    });
  });

  it("serves an :authority that is no authority, as etcd's client 3.4 sends it", async () => {
    const client = begun();
    client.send(
      request(1, { ...call("/test.Test/Call"), ":authority": "http://127.0.0.1:2379" }, { end: false }),
    );
    client.send(grpcData(1, Buffer.from("x")));
    assert.equal((await client.next(isType(DATA, 1))).payload.subarray(5).toString(), "x");
  });

  it("sends no more than the client's windows allow, and goes on when they open", async () => {
    answer = () => Buffer.alloc(100_000, 7);
    const client = begun(setting(settingIds.INITIAL_WINDOW_SIZE, 10));
    client.send(request(1, call("/test.Test/Call"), { end: false }), grpcData(1, Buffer.alloc(0)));
    assert.equal((await client.next(isType(DATA))).payload.length, 5);
    assert.equal((await client.next(isType(DATA))).payload.length, 5);
    client.send(frame(PING, 0, 0, Buffer.alloc(8)));
    await client.next(isType(PING));
    assert.equal(client.frames.filter(isType(DATA)).length, 0);
    client.send(windowUpdate(1, 200_000)); // now the connection's 65,535 bytes are what holds
    let got = 10;
    while (got < 65_535) got += (await client.next(isType(DATA))).payload.length;
    assert.equal(got, 65_535);
    client.send(windowUpdate(0, 200_000));
    while (got < 100_005) got += (await client.next(isType(DATA))).payload.length;
    const trailers = await client.next(
      (seen) => seen.type === HEADERS && (seen.flags & frameFlags.END_STREAM) !== 0,
    );
    assert.ok(trailers);
  });

  it("shares a narrow window among its streams", async () => {
    answer = () => Buffer.alloc(60_000);
    const client = begun();
    for (const id of [1, 3, 5])
      client.send(request(id, call("/test.Test/Call"), { end: false }), grpcData(id, Buffer.alloc(0)));
    for (const id of [1, 3, 5]) await client.next(isType(HEADERS, id));
    const got = new Map([
      [1, 0],
      [3, 0],
      [5, 0],
    ]);
    let all = 0;
    while (all < 3 * 60_005) {
      const { streamId, payload } = await client.next(isType(DATA));
      all += payload.length;
      got.set(streamId, (got.get(streamId) ?? 0) + payload.length);
      client.send(windowUpdate(0, payload.length));
    }
    assert.deepEqual([...got.values()], [60_005, 60_005, 60_005]);
  });

  it("refuses a message that is too large before it came, and ends no other stream", async () => {
    answer = () => new Promise(() => undefined);
    const client = begun();
    client.send(request(1, call("/test.Test/Call"), { end: false }));
    // A message that grows beyond any limit is refused before the window is.
    client.send(frame(DATA, 0, 1, Buffer.from([0, 0x7f, 0xff, 0xff, 0xff])));
    const headers = client.headersOf(await client.next(isType(HEADERS, 1)));
    assert.equal(headers["grpc-status"], "8");
    assert.match(headers["grpc-message"] ?? "", /received message larger than max/);
    answer = (bytes) => bytes;
    client.send(request(3, call("/test.Test/Call"), { end: false }), grpcData(3, Buffer.from("y")));
    assert.equal((await client.next(isType(DATA, 3))).payload.subarray(5).toString(), "y");
  });

  it("joins a header block that comes in pieces, and refuses one that is interrupted", async () => {
    const client = begun();
    const whole = request(1, { ...get, "x-long": "v".repeat(100) });
    const block = whole.subarray(9);
    client.send(
      frame(HEADERS, frameFlags.END_STREAM, 1, block.subarray(0, 20)),
      frame(CONTINUATION, 0, 1, block.subarray(20, 50)),
      frame(CONTINUATION, frameFlags.END_HEADERS, 1, block.subarray(50)),
    );
    assert.equal(client.headersOf(await client.next(isType(HEADERS, 1)))[":status"], "200");
    client.send(frame(HEADERS, 0, 3, block.subarray(0, 20)), frame(PING, 0, 0, Buffer.alloc(8)));
    assert.deepEqual(await goneAway(client), { lastStreamId: 1, code: errorCodes.PROTOCOL_ERROR });
  });

  it("bounds a header block and what it stands for", async () => {
    const client = begun();
    client.send(request(1, { ...get, "x-large": "v".repeat(15_000) }, { endHeaders: false }));
    for (let piece = 0; piece < 8; piece++)
      client.send(frame(CONTINUATION, 0, 1, Buffer.alloc(16_000, 0x82)));
    assert.equal((await goneAway(client)).code, errorCodes.ENHANCE_YOUR_CALM);
    const other = begun();
    // One large header in the table, then a reference of one byte to it, many times.
    const bomb = Buffer.concat([
      request(1, get).subarray(9),
      Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]),
      Buffer.alloc(4_000, 0x76),
      Buffer.alloc(200, 0x80 | 62),
    ]);
    other.send(frame(HEADERS, frameFlags.END_STREAM | frameFlags.END_HEADERS, 1, bomb));
    assert.equal(other.headersOf(await other.next(isType(HEADERS, 1)))[":status"], "431");
    other.send(request(3, get));
    assert.equal(other.headersOf(await other.next(isType(HEADERS, 3)))[":status"], "200");
  });

  it("counts work of abandoned streams against the limit, and refuses what is beyond it unserved", async () => {
    let begunCalls = 0;
    const finish: (() => void)[] = [];
    answer = () => {
      begunCalls += 1;
      return new Promise((resolve) => finish.push(() => resolve(Buffer.alloc(0))));
    };
    const client = begun();
    const { streamsMost } = http2Limits;
    let id = 1;
    for (let at = 0; at < streamsMost; at++, id += 2)
      client.send(
        request(id, call("/test.Test/Call"), { end: false }),
        grpcData(id, Buffer.alloc(0)),
        frame(RST_STREAM, 0, id, uint32(errorCodes.CANCEL)),
      );
    client.send(request(id, call("/test.Test/Call"), { end: false }), grpcData(id, Buffer.alloc(0)));
    const refused = await client.next(isType(RST_STREAM, id));
    assert.equal(refused.payload.readUInt32BE(0), errorCodes.REFUSED_STREAM);
    assert.equal(begunCalls, streamsMost);
    for (const one of finish) one();
    answer = (bytes) => bytes;
    await new Promise(setImmediate);
    client.send(request(id + 2, call("/test.Test/Call"), { end: false }), grpcData(id + 2, Buffer.from("z")));
    assert.equal((await client.next(isType(DATA, id + 2))).payload.subarray(5).toString(), "z");
  }).timeout(30_000);

  const breaches: readonly (readonly [what: string, bytes: Uint8Array, code: number])[] = [
    ["a first frame that is not SETTINGS", frame(PING, 0, 0, Buffer.alloc(8)), errorCodes.PROTOCOL_ERROR],
    ["no HTTP/2", Buffer.from("PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n"), errorCodes.PROTOCOL_ERROR],
  ];
  for (const [what, bytes, code] of breaches)
    it(`ends a connection with ${what}`, async () => {
      const client = open();
      client.send(what === "no HTTP/2" ? bytes : Buffer.concat([preface, bytes]));
      assert.equal((await goneAway(client)).code, code);
    });

  const frames: readonly (readonly [what: string, bytes: Uint8Array, code: number])[] = [
    [
      "a frame that is too large",
      Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]),
      errorCodes.FRAME_SIZE_ERROR,
    ],
    ["DATA on an idle stream", frame(DATA, 0, 9, Buffer.alloc(1)), errorCodes.PROTOCOL_ERROR],
    ["RST_STREAM on an idle stream", frame(RST_STREAM, 0, 9, uint32(8)), errorCodes.PROTOCOL_ERROR],
    ["a stream with an even number", request(2, get), errorCodes.PROTOCOL_ERROR],
    ["PING of a wrong size", frame(PING, 0, 0, Buffer.alloc(7)), errorCodes.FRAME_SIZE_ERROR],
    ["SETTINGS of a wrong size", frame(SETTINGS, 0, 0, Buffer.alloc(5)), errorCodes.FRAME_SIZE_ERROR],
    ["a window beyond 2^31", windowUpdate(0, 0x7fffffff), errorCodes.FLOW_CONTROL_ERROR],
    ["a window update by nothing", windowUpdate(0, 0), errorCodes.PROTOCOL_ERROR],
    [
      "a header index that is none",
      frame(HEADERS, 5, 1, Buffer.from([0xff, 0x20])),
      errorCodes.COMPRESSION_ERROR,
    ],
    [
      "more padding than frame",
      frame(HEADERS, 5 | frameFlags.PADDED, 1, Buffer.from([9, 0])),
      errorCodes.PROTOCOL_ERROR,
    ],
    ["CONTINUATION of nothing", frame(CONTINUATION, 4, 1, Buffer.alloc(1)), errorCodes.PROTOCOL_ERROR],
    ["PUSH_PROMISE", frame(frameTypes.PUSH_PROMISE, 4, 1, Buffer.alloc(4)), errorCodes.PROTOCOL_ERROR],
  ];
  for (const [what, bytes, code] of frames)
    it(`ends a connection with ${what}`, async () => {
      const client = begun();
      client.send(bytes);
      assert.equal((await goneAway(client)).code, code);
    });

  const requests: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
    ["without a path", { ":method": "GET", ":scheme": "http" }],
    ["with an unknown pseudo-header", { ...get, ":what": "x" }],
    ["with a pseudo-header behind others", { "x-a": "b", ...get }],
    ["with a name in upper case", { ...get, "X-A": "b" }],
    ["with a header of HTTP/1.1's connections", { ...get, "transfer-encoding": "chunked" }],
    ["with a line break in a value", { ...get, "x-a": "b\r\nx-c: d" }],
  ];
  for (const [what, headers] of requests)
    it(`resets a request ${what}, and goes on`, async () => {
      const client = begun();
      client.send(request(1, headers));
      const reset = await client.next(isType(RST_STREAM, 1));
      assert.equal(reset.payload.readUInt32BE(0), errorCodes.PROTOCOL_ERROR);
      client.send(request(3, get));
      await client.next(isType(HEADERS, 3));
    });

  it("does not read from a client that does not read", async () => {
    const client = begun();
    client.socket.pause();
    const ping = frame(PING, 0, 0, Buffer.alloc(8));
    const many = Buffer.concat(Array.from({ length: 10_000 }, () => ping));
    let sent = 0;
    const writeMore = () =>
      new Promise<boolean>((resolve) => {
        const stuck = setTimeout(() => resolve(false), 1_000);
        client.socket.write(many, () => {
          clearTimeout(stuck);
          resolve(true);
        });
        sent += many.length;
      });
    while (sent < 200_000_000 && (await writeMore()));
    assert.ok(sent < 200_000_000, "the server took everything in");
  }).timeout(60_000);

  it("says on stopping up to which stream it served, lets work end, and serves nothing new", async () => {
    const own = await serve({
      unary: { "/test.Test/Call": (bytes) => new Promise((resolve) => setTimeout(() => resolve(bytes), 50)) },
    });
    const client = new RawClient(own.port);
    clients.push(client);
    client.begin();
    client.send(request(1, call("/test.Test/Call"), { end: false }), grpcData(1, Buffer.from("a")));
    client.send(frame(PING, 0, 0, Buffer.alloc(8)));
    await client.next(isType(PING));
    const stopped = own.stop();
    const { payload } = await client.next(isType(GOAWAY));
    assert.deepEqual([payload.readUInt32BE(0), payload.readUInt32BE(4)], [1, errorCodes.NO_ERROR]);
    client.send(request(3, call("/test.Test/Call"), { end: false }), grpcData(3, Buffer.from("b")));
    assert.equal((await client.next(isType(DATA, 1))).payload.subarray(5).toString(), "a");
    await stopped;
    await client.closed();
    assert.equal(client.frames.filter((seen) => seen.streamId === 3).length, 0);
  });

  it("keeps acknowledging a client that changes its SETTINGS", async () => {
    const client = begun();
    client.send(frame(SETTINGS, 0, 0, setting(settingIds.INITIAL_WINDOW_SIZE, 1 << 20)), ackSettings);
    for (let count = 0; count < 2; count++)
      await client.next((seen) => seen.type === SETTINGS && isAck(seen));
  });
});
