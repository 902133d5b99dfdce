import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, uint32 } from "../frames.ts";
import { headerBlock } from "../header-block.ts";
import { connectionErrors, streamErrors } from "../testing/breaches.ts";
import { get, isType, request } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION, GOAWAY } = frameTypes;
const { END_HEADERS, END_STREAM, PADDED } = frameFlags;
const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, STREAM_CLOSED, CANCEL } = errorCodes;
const withPriority = frameFlags.PRIORITY;
const block = request(1, get).subarray(9);
const hold = { ...get, ":path": "/hold" };
const open = request(1, hold, { end: false });
const padded = (content: Uint8Array, padding: number) =>
  Buffer.concat([Buffer.from([padding]), content, Buffer.alloc(padding)]);

describe("RFC 9113, section 6: frames of streams", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
    by.client.begin();
  });
  afterEach(() => by.stop());

  describe("DATA", () => {
    it("§6.1: padding is taken off the content, up to all but one octet of the frame", async () => {
      by.client.send(
        request(1, get, { end: false }),
        frame(DATA, PADDED, 1, padded(Buffer.from("a"), 0)),
        frame(DATA, PADDED, 1, padded(Buffer.from("b"), 255)),
        frame(DATA, PADDED, 1, padded(Buffer.alloc(0), 3)),
        frame(DATA, PADDED | END_STREAM, 1, padded(Buffer.from("c"), 1)),
      );
      assert.equal((await by.client.next(isType(DATA, 1))).payload.toString(), "abc");
    });

    it("§6.1: the whole frame with its padding counts against the windows, and is given back", async () => {
      by.client.send(request(1, hold, { end: false }));
      for (let sent = 0; sent < 300; sent++)
        by.client.send(frame(DATA, PADDED, 1, padded(Buffer.from("x"), 255)));
      const seen = await by.settled();
      assert.deepEqual(
        seen.filter(({ type }) => type === RST_STREAM || type === GOAWAY),
        [],
      );
      for (const streamId of [0, 1]) {
        const given = seen.filter(isType(frameTypes.WINDOW_UPDATE, streamId));
        const bytes = given.reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
        assert.ok(bytes > 300 * 257 - 65_535, `${bytes} bytes of window ${streamId}`);
        assert.ok(bytes <= 300 * 257);
      }
    });

    connectionErrors({
      "§6.1: DATA on stream 0 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(DATA, 0, 0, Buffer.from("x")),
      ],
      "§6.1: padding as long as DATA's payload is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        open,
        frame(DATA, PADDED, 1, Buffer.from([3, 0, 0])),
      ],
      "§6.1: padding longer than DATA's payload is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        open,
        frame(DATA, PADDED, 1, Buffer.from([255, 0])),
      ],
    });

    streamErrors({
      "§6.1: DATA on a half-closed stream is a stream error of type STREAM_CLOSED": [
        STREAM_CLOSED,
        request(1, hold),
        frame(DATA, END_STREAM, 1, Buffer.alloc(0)),
      ],
      "§6.1: DATA on a stream that both ended is a stream error of type STREAM_CLOSED": [
        STREAM_CLOSED,
        request(1, get),
        frame(DATA, 0, 1, Buffer.from("x")),
      ],
      "§6.1: DATA on a stream that the client gave up is a stream error of type STREAM_CLOSED": [
        STREAM_CLOSED,
        open,
        frame(RST_STREAM, 0, 1, uint32(CANCEL)),
        frame(DATA, 0, 1, Buffer.from("x")),
      ],
    });
  });

  describe("HEADERS and CONTINUATION", () => {
    for (const [what, flags, payload] of [
      ["padding", PADDED, padded(block, 200)],
      ["padding of no octets", PADDED, padded(block, 0)],
      ["a priority", withPriority, Buffer.concat([uint32(0x80000003), Buffer.from([255]), block])],
      ["a priority and padding", PADDED | withPriority, padded(Buffer.concat([Buffer.alloc(5), block]), 9)],
      [
        "a priority that names the stream itself",
        withPriority,
        Buffer.concat([uint32(1), Buffer.from([0]), block]),
      ],
    ] as const)
      it(`§6.2: HEADERS are read with ${what}`, async () => {
        by.client.send(frame(HEADERS, END_HEADERS | END_STREAM | flags, 1, payload));
        await by.client.next(isType(HEADERS, 1));
        assert.equal(by.requests[0]?.headers.length, 4);
      });

    it("§6.2: HEADERS may carry END_STREAM and go on in CONTINUATION, which ends the stream too", async () => {
      by.client.send(
        frame(HEADERS, END_STREAM, 1, block.subarray(0, 3)),
        frame(CONTINUATION, 0, 1, block.subarray(3, 8)),
        frame(CONTINUATION, END_HEADERS, 1, block.subarray(8)),
      );
      await by.client.next(isType(HEADERS, 1));
      assert.equal(by.requests[0]?.end, "whole");
    });

    it("§6.10: a block may be cut into eight pieces, however short it may be", async () => {
      const small = new ServerByHand({ limits: { headerListBytesMost: 1_000 } });
      small.client.begin();
      const pieces = Array.from({ length: 7 }, (_, at) =>
        frame(
          CONTINUATION,
          at === 6 ? END_HEADERS : 0,
          1,
          block.subarray(at + 1, at === 6 ? undefined : at + 2),
        ),
      );
      small.client.send(frame(HEADERS, END_STREAM, 1, block.subarray(0, 1)), ...pieces);
      await small.client.next(isType(HEADERS, 1));
      await small.stop();
    });

    it("§6.10: CONTINUATION and HEADERS may carry nothing of the block", async () => {
      by.client.send(
        frame(HEADERS, END_STREAM, 1, Buffer.alloc(0)),
        frame(CONTINUATION, 0, 1, block),
        frame(CONTINUATION, END_HEADERS, 1, Buffer.alloc(0)),
      );
      await by.client.next(isType(HEADERS, 1));
    });

    connectionErrors({
      "§6.2: HEADERS on stream 0 are a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        request(0, get),
      ],
      "§6.2: padding longer than what else is in HEADERS is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, Buffer.from([6, 0x82, 0, 0, 0])),
      ],
      "§6.2: padding as long as HEADERS' payload is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(HEADERS, END_HEADERS | END_STREAM | PADDED, 1, Buffer.from([3, 0, 0])),
      ],
      "§6.2: padding that leaves no room for HEADERS' priority is a connection error of type PROTOCOL_ERROR":
        [
          PROTOCOL_ERROR,
          frame(
            HEADERS,
            END_HEADERS | END_STREAM | PADDED | withPriority,
            1,
            Buffer.from([3, 0, 0, 0, 0, 0, 0]),
          ),
        ],
      "§6.2, §6.10: HEADERS without END_HEADERS are followed by CONTINUATION, or it is a connection error of type PROTOCOL_ERROR":
        [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block)],
      "§6.10: CONTINUATION without END_HEADERS is followed by CONTINUATION, or it is a connection error of type PROTOCOL_ERROR":
        [PROTOCOL_ERROR, frame(HEADERS, END_STREAM, 1, block), frame(CONTINUATION, 0, 1, Buffer.alloc(0))],
      "§6.10: CONTINUATION of another stream is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(HEADERS, END_STREAM, 1, block),
        frame(CONTINUATION, END_HEADERS, 3, Buffer.alloc(0)),
      ],
      "§6.10: CONTINUATION on stream 0 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(CONTINUATION, END_HEADERS, 0, block),
      ],
      "§6.10: CONTINUATION of a block that is whole is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        request(1, hold),
        frame(CONTINUATION, END_HEADERS, 1, block),
      ],
      "§6.10: CONTINUATION behind DATA is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        open,
        frame(DATA, 0, 1, Buffer.alloc(0)),
        frame(CONTINUATION, END_HEADERS, 1, block),
      ],
    });
  });

  describe("PRIORITY, RST_STREAM and PUSH_PROMISE", () => {
    it("§6.4: nothing is sent on a stream that the client reset, whatever its answer", async () => {
      by.client.send(request(1, { ...get, ":path": "/large" }), frame(RST_STREAM, 0, 1, uint32(CANCEL)));
      await by.settled();
      by.client.send(request(3, hold), frame(RST_STREAM, 0, 3, uint32(CANCEL)));
      await by.settled();
      const [large, held] = by.requests;
      assert.deepEqual([large?.end, held?.end], ["gone", "gone"]);
      for (const request of by.requests) {
        request.stream.respond(headerBlock([{ name: ":status", value: "200" }]));
        request.stream.write(Buffer.from("late"));
        request.stream.finish();
      }
      by.client.send(frame(frameTypes.WINDOW_UPDATE, 0, 0, uint32(1_000_000)));
      assert.deepEqual(await by.settled(), []);
    });

    it("§6.4, §7: any error code in RST_STREAM ends the stream, a code that nobody knows too", async () => {
      for (const [at, code] of [0, 1, 0xd, 0xe, 0xffffffff].entries())
        by.client.send(request(2 * at + 1, hold), frame(RST_STREAM, 0, 2 * at + 1, uint32(code)));
      await by.settled();
      assert.ok(by.requests.every(({ end }) => end === "gone"));
      by.client.send(request(99, get));
      await by.client.next(isType(HEADERS, 99));
    });

    connectionErrors({
      "§6.3: PRIORITY on stream 0 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(PRIORITY, 0, 0, Buffer.alloc(5)),
      ],
      "§6.3, §5.4.1: PRIORITY of a length other than 5 octets is an error of type FRAME_SIZE_ERROR, of the connection":
        [FRAME_SIZE_ERROR, open, frame(PRIORITY, 0, 1, Buffer.alloc(4))],
      "§6.4: RST_STREAM on stream 0 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(RST_STREAM, 0, 0, uint32(CANCEL)),
      ],
      "§6.4: RST_STREAM of a length other than 4 octets is a connection error of type FRAME_SIZE_ERROR: 3": [
        FRAME_SIZE_ERROR,
        open,
        frame(RST_STREAM, 0, 1, Buffer.alloc(3)),
      ],
      "§6.4: RST_STREAM of a length other than 4 octets is a connection error of type FRAME_SIZE_ERROR: 8": [
        FRAME_SIZE_ERROR,
        open,
        frame(RST_STREAM, 0, 1, Buffer.alloc(8)),
      ],
      "§6.6, §8.4: PUSH_PROMISE from a client is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        open,
        frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), block])),
      ],
      "§6.6: PUSH_PROMISE on stream 0 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(PUSH_PROMISE, END_HEADERS, 0, Buffer.concat([uint32(2), block])),
      ],
    });
  });
});
