import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, settingIds, uint32 } from "../frames.ts";
import { connectionErrors } from "../testing/breaches.ts";
import { ackSettings, get, isType, request, settingsOf } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE } = frameTypes;
const { ACK, END_STREAM, END_HEADERS } = frameFlags;
const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, NO_ERROR } = errorCodes;
const { HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE } =
  settingIds;
const { MAX_HEADER_LIST_SIZE } = settingIds;
const settings = (...values: readonly (readonly [id: number, value: number])[]) =>
  frame(SETTINGS, 0, 0, settingsOf(...values));
const hold = { ...get, ":path": "/hold" };
const isAck = ({ type, flags }: { readonly type: number; readonly flags: number }) =>
  type === SETTINGS && flags === ACK;

describe("RFC 9113, section 6: frames of the connection", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
    by.client.begin();
  });
  afterEach(() => by.stop());

  describe("SETTINGS", () => {
    it("§6.5.2, §8.4: a server never enables push, and never pushes, whatever the client allows", async () => {
      by.client.send(settings([ENABLE_PUSH, 1]), request(1, get));
      for (const { type, payload } of await by.settled()) {
        assert.notEqual(type, frameTypes.PUSH_PROMISE);
        if (type !== SETTINGS) continue;
        for (let at = 0; at < payload.length; at += 6)
          if (payload.readUInt16BE(at) === ENABLE_PUSH) assert.equal(payload.readUInt32BE(at + 2), 0);
      }
    });

    it("§6.5.2: all values of the defined settings that are allowed are taken, to both bounds", async () => {
      by.client.send(
        settings(
          [HEADER_TABLE_SIZE, 0],
          [ENABLE_PUSH, 0],
          [MAX_CONCURRENT_STREAMS, 0],
          [INITIAL_WINDOW_SIZE, 0],
        ),
        settings([MAX_FRAME_SIZE, 16_384], [MAX_HEADER_LIST_SIZE, 0]),
        settings([HEADER_TABLE_SIZE, 0xffffffff], [ENABLE_PUSH, 1], [MAX_CONCURRENT_STREAMS, 0xffffffff]),
        settings(
          [INITIAL_WINDOW_SIZE, 0x7fffffff],
          [MAX_FRAME_SIZE, 16_777_215],
          [MAX_HEADER_LIST_SIZE, 0xffffffff],
        ),
        request(1, get),
      );
      await by.client.next(isType(HEADERS, 1));
    });

    it("§6.5.2, §5.5: settings that nobody knows are ignored, and acknowledged", async () => {
      await by.settled();
      by.client.send(
        settings([0, 1], [7, 2], [0xabcd, 0xffffffff], [INITIAL_WINDOW_SIZE, 3]),
        request(1, hold),
      );
      assert.equal((await by.settled()).filter(isAck).length, 1);
      assert.equal(by.requests[0]?.stream.sendWindow, 3);
    });

    it("§6.5.3: values are taken in their order: the last of a setting holds", async () => {
      by.client.send(settings([INITIAL_WINDOW_SIZE, 5], [INITIAL_WINDOW_SIZE, 9]), request(1, hold));
      await by.settled();
      assert.equal(by.requests[0]?.stream.sendWindow, 9);
    });

    it("§6.5.3: each SETTINGS is acknowledged once, before anything that its values allow", async () => {
      await by.settled();
      by.client.send(settings([INITIAL_WINDOW_SIZE, 0]), request(1, { ...get, ":path": "/large" }));
      await by.settled();
      by.client.send(settings([INITIAL_WINDOW_SIZE, 100]), settings());
      const seen = (await by.settled()).map((one) => (isAck(one) ? "ack" : one.type));
      assert.deepEqual(seen, ["ack", DATA, "ack"]);
    });

    for (const path of ["/", "/whole"])
      it(`§4.3.1: a client that makes its table smaller reads so first in the next field block, once: ${path}`, async () => {
        by.client.send(
          settings([HEADER_TABLE_SIZE, 0], [HEADER_TABLE_SIZE, 4096]),
          request(1, { ...get, ":path": path }),
        );
        const first = await by.client.next(isType(HEADERS, 1));
        assert.deepEqual([...first.payload.subarray(0, 2)], [0x20, 0x88]);
        by.client.send(settings([HEADER_TABLE_SIZE, 100]), request(3, { ...get, ":path": path }));
        assert.equal((await by.client.next(isType(HEADERS, 3))).payload[0], 0x88);
      });

    it("§4.3.1: a client that leaves its table as it was, or makes it larger, reads nothing of it", async () => {
      by.client.send(
        settings([HEADER_TABLE_SIZE, 4096]),
        settings([HEADER_TABLE_SIZE, 1 << 20]),
        request(1, get),
      );
      assert.equal((await by.client.next(isType(HEADERS, 1))).payload[0], 0x88);
    });

    it("§6.5: an acknowledgement is not acknowledged", async () => {
      await by.settled();
      by.client.send(ackSettings, ackSettings);
      assert.deepEqual(await by.settled(), []);
    });

    connectionErrors({
      "§6.5: an acknowledgement with a payload is a connection error of type FRAME_SIZE_ERROR": [
        FRAME_SIZE_ERROR,
        frame(SETTINGS, ACK, 0, Buffer.alloc(6)),
      ],
      "§6.5: SETTINGS on a stream are a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(SETTINGS, 0, 1, Buffer.alloc(0)),
      ],
      "§6.5: an acknowledgement on a stream is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(SETTINGS, ACK, 1, Buffer.alloc(0)),
      ],
      "§6.5: SETTINGS of a length that is no multiple of 6 octets are a connection error of type FRAME_SIZE_ERROR":
        [FRAME_SIZE_ERROR, frame(SETTINGS, 0, 0, Buffer.alloc(11))],
      "§6.5.2: ENABLE_PUSH of another value than 0 and 1 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        settings([ENABLE_PUSH, 2]),
      ],
      "§6.5.2: INITIAL_WINDOW_SIZE above 2^31-1 is a connection error of type FLOW_CONTROL_ERROR": [
        FLOW_CONTROL_ERROR,
        settings([INITIAL_WINDOW_SIZE, 0x80000000]),
      ],
      "§6.5.2: MAX_FRAME_SIZE below 16,384 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        settings([MAX_FRAME_SIZE, 16_383]),
      ],
      "§6.5.2: MAX_FRAME_SIZE above 2^24-1 is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        settings([MAX_FRAME_SIZE, 16_777_216]),
      ],
      "§6.5.2: a value that is not allowed is one also behind and before others": [
        PROTOCOL_ERROR,
        settings([INITIAL_WINDOW_SIZE, 1], [ENABLE_PUSH, 9], [ENABLE_PUSH, 0]),
      ],
    });
  });

  describe("PING and GOAWAY", () => {
    it("§6.7: PING is answered with ACK and the same 8 octets, in order", async () => {
      for (const text of ["01234567", "\0\0\0\0\0\0\0\0", "76543210"])
        by.client.send(frame(PING, 0, 0, Buffer.from(text)));
      for (const text of ["01234567", "\0\0\0\0\0\0\0\0", "76543210"]) {
        const { flags, streamId, payload } = await by.client.next(isType(PING));
        assert.deepEqual([flags, streamId, payload.toString()], [ACK, 0, text]);
      }
    });

    it("§6.7: PING with ACK is not answered", async () => {
      by.client.send(frame(PING, ACK, 0, Buffer.from("01234567")));
      assert.deepEqual((await by.settled()).filter(isType(PING)), []);
    });

    it("§6.8: a client's GOAWAY of any error code ends nothing that was begun", async () => {
      by.client.send(
        request(1, hold),
        frame(GOAWAY, 0, 0, Buffer.concat([uint32(0), uint32(0xffffffff), Buffer.from("why")])),
      );
      await by.settled();
      by.requests[0]?.stream.finish(Buffer.from([0x88]));
      await by.client.next(isType(HEADERS, 1));
    });

    it("§6.8: a server that leaves says the last stream that it served, serves nothing later and ends what it began", async () => {
      by.client.send(request(1, hold), request(3, hold));
      await by.settled();
      by.server.leave();
      by.client.send(
        request(5, get),
        request(7, get, { end: false }),
        frame(DATA, END_STREAM, 7, Buffer.from("x")),
      );
      const [goAway, ...others] = await by.settled();
      assert.deepEqual([goAway?.payload.readUInt32BE(0), goAway?.payload.readUInt32BE(4)], [3, NO_ERROR]);
      assert.deepEqual(others, []);
      assert.equal(by.requests.length, 2);
      for (const { stream } of by.requests) stream.finish(Buffer.from([0x88]));
      await by.client.next(isType(HEADERS, 1));
      await by.client.next(isType(HEADERS, 3));
      await by.client.closed();
    });

    it("§6.8, §8.7: the last stream of a GOAWAY never rises: a later error names the same", async () => {
      by.client.send(request(1, hold));
      await by.settled();
      by.server.leave();
      by.client.send(request(5, get), frame(PING, 0, 0, Buffer.alloc(1)));
      assert.equal((await by.client.next(isType(GOAWAY))).payload.readUInt32BE(0), 1);
      assert.deepEqual(await by.goneAway(), { lastStreamId: 1, code: FRAME_SIZE_ERROR });
    });

    it("§6.8: field blocks behind a GOAWAY are decoded, for trailers of streams that go on", async () => {
      const block = request(1, hold).subarray(9);
      const intoTable = Buffer.concat([block, Buffer.from([0x40, 1, 0x61, 1, 0x62])]);
      by.client.send(request(1, hold, { end: false }));
      await by.settled();
      by.server.leave();
      by.client.send(
        frame(HEADERS, END_HEADERS | END_STREAM, 3, intoTable),
        frame(HEADERS, END_HEADERS | END_STREAM, 1, Buffer.from([0x80 | 62])),
      );
      assert.deepEqual(
        (await by.settled()).map(({ type }) => type),
        [GOAWAY],
      );
      assert.equal(by.requests[0]?.end, "whole");
    });

    it("§6.8: DATA behind a GOAWAY counts against the connection's window, and is given back to it", async () => {
      by.client.send(request(1, hold));
      await by.settled();
      by.server.leave();
      by.client.send(request(3, get, { end: false }));
      for (let sent = 0; sent < 6; sent++) by.client.send(frame(DATA, 0, 3, Buffer.alloc(16_384)));
      const seen = await by.settled();
      const given = seen
        .filter(isType(WINDOW_UPDATE, 0))
        .reduce((sum, { payload }) => sum + payload.readUInt32BE(0), 0);
      assert.ok(given > 6 * 16_384 - 65_535, `${given} bytes`);
      assert.deepEqual(
        seen.filter(
          ({ type, payload }) => type === RST_STREAM || (type === GOAWAY && payload.readUInt32BE(4) !== 0),
        ),
        [],
      );
    });

    connectionErrors({
      "§6.7: PING on a stream is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(PING, 0, 1, Buffer.alloc(8)),
      ],
      "§6.7: PING of a length other than 8 octets is a connection error of type FRAME_SIZE_ERROR: 7": [
        FRAME_SIZE_ERROR,
        frame(PING, 0, 0, Buffer.alloc(7)),
      ],
      "§6.7: PING of a length other than 8 octets is a connection error of type FRAME_SIZE_ERROR: 9, with ACK":
        [FRAME_SIZE_ERROR, frame(PING, ACK, 0, Buffer.alloc(9))],
      "§6.8: GOAWAY on a stream is a connection error of type PROTOCOL_ERROR": [
        PROTOCOL_ERROR,
        frame(GOAWAY, 0, 1, Buffer.alloc(8)),
      ],
      "§4.2: GOAWAY without an error code is a connection error of type FRAME_SIZE_ERROR": [
        FRAME_SIZE_ERROR,
        frame(GOAWAY, 0, 0, Buffer.alloc(7)),
      ],
    });
  });
});
