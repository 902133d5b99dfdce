import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, uint32 } from "../frames.ts";
import { connectionErrors } from "../testing/breaches.ts";
import { get, isType, request, windowUpdate } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION } =
  frameTypes;
const { END_HEADERS, END_STREAM } = frameFlags;
const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, COMPRESSION_ERROR } = errorCodes;
const block = request(1, get).subarray(9);
const open = request(1, { ...get, ":path": "/hold" }, { end: false });

describe("RFC 9113, section 4: frames", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
    by.client.begin();
  });
  afterEach(() => by.stop());

  it("§4.1, §5.5: frames of unknown types are discarded, whatever their flags, stream and payload", async () => {
    for (const [streamId, length] of [
      [0, 0],
      [0, 300],
      [1, 8],
      [2, 16_384],
      [0x7fffffff, 1],
    ] as const)
      by.client.send(frame(0xbe, 0xff, streamId, Buffer.alloc(length)));
    by.client.send(request(1, get));
    await by.client.next(isType(HEADERS, 1));
  });

  it("§4.1: flags that a frame's type does not define are ignored", async () => {
    const unused =
      0xff & ~(frameFlags.END_STREAM | frameFlags.END_HEADERS | frameFlags.PADDED | frameFlags.PRIORITY);
    by.client.send(
      frame(SETTINGS, 0xfe, 0, Buffer.alloc(0)),
      frame(PRIORITY, 0xff, 1, Buffer.alloc(5)),
      frame(HEADERS, END_HEADERS | unused, 1, block),
      frame(WINDOW_UPDATE, 0xff, 1, uint32(1)),
      frame(DATA, END_STREAM | 0xf6, 1, Buffer.from("body")),
    );
    assert.equal((await by.client.next(isType(DATA, 1))).payload.toString(), "body");
    by.client.send(request(3, { ...get, ":path": "/hold" }), frame(RST_STREAM, 0xff, 3, uint32(8)));
    await by.settled();
    assert.equal(by.requests[1]?.end, "gone");
  });

  it("§4.1: flags that a frame's type does not define, and the reserved bit, are unset in what is sent", async () => {
    by.client.send(
      request(1, get, { end: false }),
      frame(DATA, END_STREAM, 1, Buffer.alloc(40_000).subarray(0, 16_384)),
    );
    by.client.send(request(3, { ":method": "GET" }), frame(GOAWAY, 0, 0, Buffer.alloc(8)));
    const defined: Readonly<Record<number, number>> = {
      [DATA]: END_STREAM,
      [HEADERS]: END_STREAM | END_HEADERS,
      [SETTINGS]: frameFlags.ACK,
      [PING]: frameFlags.ACK,
    };
    const seen = await by.settled();
    assert.ok(seen.length >= 6);
    for (const { type, flags } of seen) assert.equal(flags & ~(defined[type] ?? 0), 0, `type ${type}`);
  });

  it("§4.1: the reserved bit before a stream's identifier is ignored", async () => {
    const reserved = Buffer.from(request(1, get));
    reserved[5] = 0x80;
    by.client.send(reserved);
    await by.client.next(isType(HEADERS, 1));
  });

  it("§4.2: frames of 16,384 bytes are taken, and none larger is sent unless the client allows it", async () => {
    by.client.send(
      request(1, get, { end: false }),
      frame(DATA, 0, 1, Buffer.alloc(16_384, 1)),
      frame(DATA, END_STREAM, 1, Buffer.alloc(16_384, 2)),
    );
    let bytes = 0;
    while (bytes < 32_768) {
      const { payload } = await by.client.next(isType(DATA, 1));
      assert.ok(payload.length <= 16_384);
      bytes += payload.length;
    }
  });

  it("§4.3: a field block's frames follow each other, with nothing between, in what is sent", async () => {
    // Longer than one frame: a server's block is cut like a client's.
    by.client.send(request(1, { ...get, ":path": "/hold" }), request(3, get));
    await by.settled();
    const long = Buffer.concat([
      Buffer.from([0x88]),
      ...Array.from({ length: 40 }, () => literal("x", "v".repeat(1_000))),
    ]);
    by.requests[0]?.stream.respond(long);
    by.requests[0]?.stream.finish();
    const seen = await by.settled();
    const begin = seen.findIndex(isType(HEADERS, 1));
    const pieces = seen.slice(begin, begin + 3);
    assert.deepEqual(
      pieces.map(({ type, flags, streamId }) => [type, flags & END_HEADERS, streamId]),
      [
        [HEADERS, 0, 1],
        [CONTINUATION, 0, 1],
        [CONTINUATION, END_HEADERS, 1],
      ],
    );
    assert.ok(Buffer.concat(pieces.map(({ payload }) => payload)).equals(long));
  });

  it("§4.3: field blocks are decoded in their order, those of refused requests too", async () => {
    const indexed = Buffer.concat([block, Buffer.from([0x40, 1, 0x61, 1, 0x62])]); // a: b, into the table
    by.client.send(
      frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([indexed, literal("Bad", "name")])),
    );
    by.client.send(
      frame(HEADERS, END_HEADERS | END_STREAM, 3, Buffer.concat([block, Buffer.from([0x80 | 62])])),
    );
    await by.client.next(isType(HEADERS, 3));
    assert.deepEqual(by.requests[0]?.headers.at(-1), { name: "a", value: "b" });
  });

  connectionErrors({
    "§4.2: a frame larger than SETTINGS_MAX_FRAME_SIZE is an error of type FRAME_SIZE_ERROR: DATA": [
      FRAME_SIZE_ERROR,
      open,
      frame(DATA, 0, 1, Buffer.alloc(16_385)),
    ],
    "§4.2: a frame larger than SETTINGS_MAX_FRAME_SIZE is an error of type FRAME_SIZE_ERROR: one of an unknown type":
      [FRAME_SIZE_ERROR, frame(0xbe, 0, 0, Buffer.alloc(16_385))],
    "§4.2: a frame too small for what must be in it is an error of type FRAME_SIZE_ERROR: HEADERS with a priority":
      [FRAME_SIZE_ERROR, frame(HEADERS, END_HEADERS | END_STREAM | frameFlags.PRIORITY, 1, Buffer.alloc(4))],
    "§4.2: a frame too small for what must be in it is an error of type FRAME_SIZE_ERROR: HEADERS with padding":
      [FRAME_SIZE_ERROR, frame(HEADERS, END_HEADERS | END_STREAM | frameFlags.PADDED, 1, Buffer.alloc(0))],
    "§4.2: a frame too small for what must be in it is an error of type FRAME_SIZE_ERROR: DATA with padding":
      [FRAME_SIZE_ERROR, open, frame(DATA, frameFlags.PADDED, 1, Buffer.alloc(0))],
    "§4.3: a field block that is interrupted by a frame of its stream is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block), frame(DATA, 0, 1, Buffer.alloc(0))],
    "§4.3: a field block that is interrupted by a frame of another stream is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block), request(3, get)],
    "§4.3: a field block that is interrupted by a frame of the connection is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block), windowUpdate(0, 1)],
    "§5.5: a field block that is interrupted by a frame of an unknown type is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block), frame(0xbe, 0, 1, Buffer.alloc(0))],
    "§4.3: a field block that cannot be decoded is a connection error of type COMPRESSION_ERROR": [
      COMPRESSION_ERROR,
      frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.concat([block, Buffer.from([0x80])])),
    ],
    "§4.3: a field block that cannot be decoded is a connection error of type COMPRESSION_ERROR: of trailers":
      [COMPRESSION_ERROR, open, frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x80]))],
    "§4.3: a field block that ends within a field is a connection error of type COMPRESSION_ERROR": [
      COMPRESSION_ERROR,
      frame(HEADERS, END_STREAM, 1, block),
      frame(CONTINUATION, END_HEADERS, 1, Buffer.from([0, 1])),
    ],
  });
});

function literal(name: string, value: string): Buffer {
  const length =
    value.length < 127
      ? [value.length]
      : [127, ((value.length - 127) & 127) | 128, (value.length - 127) >> 7];
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from(length),
    Buffer.from(value),
  ]);
}
