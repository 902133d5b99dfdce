import assert from "node:assert/strict";
import { settle } from "../../../client/testing/manual-clock.ts";
import { type ErrorCode, errorCodes, frame, frameFlags, frameTypes, settingIds, uint32 } from "../frames.ts";
import { headerBlock } from "../header-block.ts";
import { ClientByHand } from "../testing/client-by-hand.ts";
import { isType, type RawFrame, settingsOf, windowUpdate } from "../testing/raw-client.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, CONTINUATION } =
  frameTypes;
const { ACK, END_HEADERS, END_STREAM, PADDED } = frameFlags;
const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR, COMPRESSION_ERROR } = errorCodes;
const nothing = Buffer.alloc(0);

type Fields = readonly (readonly [name: string, value: string])[];
const blockOf = (fields: Fields) => headerBlock(fields.map(([name, value]) => ({ name, value })));
const block = (fields: Fields, end = true, streamId = 1) =>
  frame(HEADERS, END_HEADERS | (end ? END_STREAM : 0), streamId, blockOf(fields));
const ok: Fields = [[":status", "200"]];
const data = (text: string, end = true) => frame(DATA, end ? END_STREAM : 0, 1, Buffer.from(text));
const bytesOf = (frames: readonly RawFrame[]) =>
  frames.filter(isType(DATA)).reduce((sum, { payload }) => sum + payload.length, 0);

describe("RFC 9113: a client's connection", () => {
  let by: ClientByHand;
  beforeEach(() => {
    by = new ClientByHand();
  });
  afterEach(() => by.stop());

  /** All that the client sent until it had dealt with what it was sent. */
  const settled = async () => {
    by.server.send(frame(PING, 0, 0, Buffer.from("settled?")));
    await by.server.next(isType(PING));
    await settle();
    return by.server.frames.splice(0);
  };

  it("§3.4: it sends the preface and SETTINGS first, and acknowledges the server's", async () => {
    const first = await by.server.next(() => true); // what came before was taken for the preface
    assert.deepEqual([first.type, first.flags, first.streamId], [SETTINGS, 0, 0]);
    await by.begin();
    await by.server.next(({ type, flags }) => type === SETTINGS && flags === ACK);
  });

  it("§6.5.2, §8.4: it disables push", async () => {
    const { payload } = await by.server.next(isType(SETTINGS));
    assert.ok(payload.includes(settingsOf([settingIds.ENABLE_PUSH, 0])));
  });

  it("§5.1.1: its streams have odd identifiers that rise", async () => {
    await by.begin();
    for (let at = 0; at < 3; at++) by.ask();
    const ids = (await settled()).filter(isType(HEADERS)).map(({ streamId }) => streamId);
    assert.deepEqual(ids, [1, 3, 5]);
  });

  it("§5.1.2: it opens no more streams than the server allows, and the next when one is over", async () => {
    await by.begin(settingsOf([settingIds.MAX_CONCURRENT_STREAMS, 2]));
    for (let at = 0; at < 3; at++) by.ask();
    assert.equal((await settled()).filter(isType(HEADERS)).length, 2);
    by.server.send(block(ok));
    assert.equal((await settled()).filter(isType(HEADERS, 5)).length, 1);
  });

  it("§5.2.1, §6.9.1: it sends no more than the server's windows have", async () => {
    await by.begin(settingsOf([settingIds.INITIAL_WINDOW_SIZE, 100]));
    by.ask(Buffer.alloc(1_000));
    assert.equal(bytesOf(await settled()), 100);
    by.server.send(windowUpdate(1, 5));
    assert.equal(bytesOf(await settled()), 5);
    by.server.send(
      frame(SETTINGS, 0, 0, settingsOf([settingIds.INITIAL_WINDOW_SIZE, 90])),
      windowUpdate(1, 10),
    );
    assert.equal(bytesOf(await settled()), 0);
    by.server.send(windowUpdate(1, 1_000));
    assert.equal(bytesOf(await settled()), 895);
  });

  it("§6.4: it sends nothing on a stream that the server reset, whatever the code", async () => {
    await by.begin(settingsOf([settingIds.INITIAL_WINDOW_SIZE, 10]));
    const asked = by.ask(Buffer.alloc(1_000));
    await settled();
    by.server.send(frame(RST_STREAM, 0, 1, uint32(0xabcd)), windowUpdate(1, 1_000));
    assert.deepEqual(await settled(), []);
    assert.equal(typeof asked.end === "string" ? asked.end : asked.end.code, 0xabcd);
  });

  it("§6.8: it opens no stream after a GOAWAY, and keeps those that the server goes on with", async () => {
    await by.begin();
    const [kept, lost] = [by.ask(), by.ask()];
    await settled();
    by.server.send(frame(GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(0xffff)])));
    await settled();
    assert.equal(by.connection.takesRequests, false);
    assert.deepEqual((await settled()).filter(isType(HEADERS)), []);
    assert.equal(typeof lost.end === "string" ? lost.end : lost.end.maybeServed, false);
    by.server.send(block(ok));
    await settle();
    await settle();
    assert.equal(kept.end, "whole");
  });

  it("§8.1: an answer is whole after which the server resets the stream with NO_ERROR", async () => {
    await by.begin(settingsOf([settingIds.INITIAL_WINDOW_SIZE, 10]));
    const asked = by.ask(Buffer.alloc(1_000));
    await settled();
    by.server.send(block(ok, false), data("all"), frame(RST_STREAM, 0, 1, uint32(errorCodes.NO_ERROR)));
    await settled();
    assert.deepEqual([asked.end, asked.body], ["whole", "all"]);
  });

  it("§8.1: an answer is whole with interim answers before it and trailers behind it", async () => {
    await by.begin();
    const asked = by.ask();
    await settled();
    by.server.send(
      block([[":status", "100"]], false),
      block(
        [
          [":status", "103"],
          ["link", "a"],
        ],
        false,
      ),
      block(
        [
          [":status", "200"],
          ["content-length", "3"],
        ],
        false,
      ),
      data("all", false),
      block([["x-sum", "1"]]),
    );
    await settled();
    assert.deepEqual([asked.end, asked.body, asked.blocks.length], ["whole", "all", 4]);
  });

  it("§8.1.1: an answer that never has content may say how long it would be, or that there is none", async () => {
    await by.begin();
    for (const [at, [status, length]] of (
      [
        ["304", "100"],
        ["204", "0"],
        ["200", "0"],
      ] as const
    ).entries()) {
      const asked = by.ask();
      await settled();
      by.server.send(
        block(
          [
            [":status", status],
            ["content-length", length],
          ],
          true,
          2 * at + 1,
        ),
      );
      await settled();
      assert.deepEqual([asked.end, asked.body], ["whole", ""]);
    }
  });

  it("§6.9.1: more DATA than a stream's window is a stream error of type FLOW_CONTROL_ERROR", async () => {
    await by.begin();
    // Who does not deal with what came opens no window.
    const [asked, other] = [by.ask(), by.ask()];
    asked.stream.consumed = () => undefined;
    await settled();
    by.server.send(
      block(ok, false),
      block(ok, false, 3),
      ...Array.from({ length: 4 }, () => data("x".repeat(16_000), false)),
    );
    await settled();
    assert.equal(asked.end, "open");
    by.server.send(data("x".repeat(1_536), false));
    const { payload } = await by.server.next(isType(RST_STREAM, 1));
    assert.equal(payload.readUInt32BE(0), FLOW_CONTROL_ERROR);
    assert.equal(typeof asked.end, "object");
    assert.equal(other.end, "open");
  });

  const malformed: Readonly<Record<string, readonly Uint8Array[]>> = {
    "§8.1: DATA before its head": [data("x")],
    "§8.1: an interim status that ends it": [block([[":status", "100"]])],
    "§8.1: trailers without END_STREAM": [block(ok, false), block([["a", "b"]], false)],
    "§8.1: a second head": [block(ok, false), block(ok)],
    "§8.1, §8.3: a pseudo-header in trailers": [block(ok, false), block([[":path", "/"]])],
    "§8.1.1: more content than content-length": [
      block([...ok, ["content-length", "1"]], false),
      data("ab", false),
    ],
    "§8.1.1: less content than content-length": [block([...ok, ["content-length", "3"]], false), data("ab")],
    "§8.1.1: less content than content-length, then trailers": [
      block([...ok, ["content-length", "3"]], false),
      data("ab", false),
      block([["a", "b"]]),
    ],
    "§8.1.1: no content behind content-length": [block([...ok, ["content-length", "3"]])],
    "§8.1.1: no content behind content-length, but an empty end": [
      block([...ok, ["content-length", "3"]], false),
      data(""),
    ],
    "§8.1.1: no content behind content-length, but trailers": [
      block([...ok, ["content-length", "3"]], false),
      block([["a", "b"]]),
    ],
    "§8.1.1: content of 204": [block([[":status", "204"]], false), data("a")],
    "§8.1.1: content of 304": [
      block(
        [
          [":status", "304"],
          ["content-length", "1"],
        ],
        false,
      ),
      data("a"),
    ],
    "§8.1.1: two lengths": [block([...ok, ["content-length", "1"], ["content-length", "2"]])],
    "§8.2: a name in upper case": [block([...ok, ["A", "b"]])],
    "§8.2.1: a name with a colon": [block([...ok, ["a:b", "c"]])],
    "§8.2.1: an empty name": [block([...ok, ["", "c"]])],
    "§8.2.1: a value with a line feed": [block([...ok, ["a", "b\nc"]])],
    "§8.2.1: a value with NUL": [block([...ok, ["a", "b\0"]])],
    "§8.2.1: a value with a space at its end": [block([...ok, ["a", "b "]])],
    "§8.2.2: connection": [block([...ok, ["connection", "close"]])],
    "§8.2.2: transfer-encoding": [block([...ok, ["transfer-encoding", "chunked"]])],
    "§8.3: a request's pseudo-header": [block([...ok, [":path", "/"]])],
    "§8.3: a pseudo-header that nobody defined": [block([...ok, [":reason", "OK"]])],
    "§8.3: a pseudo-header behind a field": [block([["a", "b"], ...ok])],
    "§8.3: :status twice": [block([...ok, ...ok])],
    "§8.3.2: no :status": [block([["a", "b"]])],
    "§8.3.2: no field at all": [block([])],
    "§8.3.2: a status that is none": [block([[":status", "2xx"]])],
  };
  for (const [title, frames] of Object.entries(malformed))
    it(`${title} makes an answer malformed: it is not accepted, a stream error of type PROTOCOL_ERROR`, async () => {
      await by.begin();
      const [asked, other] = [by.ask(), by.ask()];
      await settled();
      by.server.send(...frames, block(ok, true, 3));
      const seen = await settled();
      const codes = seen.filter(isType(RST_STREAM, 1)).map(({ payload }) => payload.readUInt32BE(0));
      assert.deepEqual(codes, [PROTOCOL_ERROR]);
      assert.deepEqual(asked.end, {
        maybeServed: true,
        code: PROTOCOL_ERROR,
        reason: "the answer is malformed",
      });
      assert.equal(other.end, "whole");
    });

  const setting = (id: number, value: number) => frame(SETTINGS, 0, 0, settingsOf([id, value]));
  const breaches: Readonly<Record<string, readonly [code: ErrorCode, ...frames: Uint8Array[]]>> = {
    "§4.2: a frame larger than SETTINGS_MAX_FRAME_SIZE": [
      FRAME_SIZE_ERROR,
      frame(DATA, 0, 1, Buffer.alloc(16_385)),
    ],
    "§4.2: HEADERS too small for their priority": [
      FRAME_SIZE_ERROR,
      frame(HEADERS, END_HEADERS | frameFlags.PRIORITY, 1, Buffer.alloc(4)),
    ],
    "§4.3: a field block that cannot be decoded": [
      COMPRESSION_ERROR,
      frame(HEADERS, END_HEADERS, 1, Buffer.from([0x80])),
    ],
    "§4.3: a field block that is interrupted": [PROTOCOL_ERROR, frame(HEADERS, 0, 1, blockOf(ok)), data("x")],
    "§5.1: DATA on an idle stream": [PROTOCOL_ERROR, frame(DATA, 0, 5, nothing)],
    "§5.1: HEADERS on an idle stream": [PROTOCOL_ERROR, block(ok, true, 5)],
    "§5.1.1: HEADERS on a stream that the server begins": [PROTOCOL_ERROR, block(ok, true, 2)],
    "§6.1: DATA on stream 0": [PROTOCOL_ERROR, frame(DATA, 0, 0, nothing)],
    "§6.1: padding as long as its frame": [PROTOCOL_ERROR, frame(DATA, PADDED, 1, Buffer.from([2, 0]))],
    "§6.2: HEADERS on stream 0": [PROTOCOL_ERROR, block(ok, true, 0)],
    "§6.3: PRIORITY on stream 0": [PROTOCOL_ERROR, frame(PRIORITY, 0, 0, Buffer.alloc(5))],
    "§6.4: RST_STREAM on stream 0": [PROTOCOL_ERROR, frame(RST_STREAM, 0, 0, uint32(8))],
    "§6.4: RST_STREAM on an idle stream": [PROTOCOL_ERROR, frame(RST_STREAM, 0, 5, uint32(8))],
    "§6.4: RST_STREAM of a length other than 4": [FRAME_SIZE_ERROR, frame(RST_STREAM, 0, 1, Buffer.alloc(5))],
    "§6.5: SETTINGS on a stream": [PROTOCOL_ERROR, frame(SETTINGS, 0, 1, nothing)],
    "§6.5: SETTINGS of a length that is no multiple of 6": [
      FRAME_SIZE_ERROR,
      frame(SETTINGS, 0, 0, Buffer.alloc(5)),
    ],
    "§6.5: an acknowledgement with a payload": [FRAME_SIZE_ERROR, frame(SETTINGS, ACK, 0, Buffer.alloc(6))],
    "§6.5.2: a server that enables push": [PROTOCOL_ERROR, setting(settingIds.ENABLE_PUSH, 1)],
    "§6.5.2: a window above 2^31-1 in SETTINGS": [
      FLOW_CONTROL_ERROR,
      setting(settingIds.INITIAL_WINDOW_SIZE, 2 ** 31),
    ],
    "§6.5.2: MAX_FRAME_SIZE out of its range": [PROTOCOL_ERROR, setting(settingIds.MAX_FRAME_SIZE, 16_383)],
    "§6.6, §8.4: PUSH_PROMISE, which was disabled": [
      PROTOCOL_ERROR,
      frame(PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([uint32(2), blockOf(ok)])),
    ],
    "§6.7: PING on a stream": [PROTOCOL_ERROR, frame(PING, 0, 1, Buffer.alloc(8))],
    "§6.7: PING of a length other than 8": [FRAME_SIZE_ERROR, frame(PING, 0, 0, Buffer.alloc(9))],
    "§6.8: GOAWAY on a stream": [PROTOCOL_ERROR, frame(GOAWAY, 0, 1, Buffer.alloc(8))],
    "§6.9: the connection's WINDOW_UPDATE by 0": [PROTOCOL_ERROR, windowUpdate(0, 0)],
    "§6.9, §5.4.1: a stream's WINDOW_UPDATE by 0, an error of the connection here": [
      PROTOCOL_ERROR,
      windowUpdate(1, 0),
    ],
    "§6.9: WINDOW_UPDATE of a length other than 4": [
      FRAME_SIZE_ERROR,
      frame(frameTypes.WINDOW_UPDATE, 0, 0, Buffer.alloc(3)),
    ],
    "§6.9.1: a window above 2^31-1": [FLOW_CONTROL_ERROR, windowUpdate(0, 0x7fffffff)],
    "§6.10: CONTINUATION of nothing": [PROTOCOL_ERROR, frame(CONTINUATION, END_HEADERS, 1, blockOf(ok))],
  };
  for (const [title, [code, ...frames]] of Object.entries(breaches))
    it(`${title} is a connection error, told to the server`, async () => {
      await by.begin();
      const asked = by.ask();
      await by.server.next(isType(HEADERS, 1));
      by.server.send(...frames);
      const { payload } = await by.server.next(isType(GOAWAY));
      assert.equal(payload.readUInt32BE(4), code);
      await by.server.closed();
      assert.ok(typeof asked.end === "object" && asked.end.maybeServed);
    });

  it("§5.4.2: it does not answer RST_STREAM with RST_STREAM", async () => {
    await by.begin();
    by.ask();
    await settled();
    by.server.send(frame(RST_STREAM, 0, 1, uint32(2)), frame(RST_STREAM, 0, 1, uint32(2)));
    assert.deepEqual((await settled()).filter(isType(RST_STREAM)), []);
  });

  it("§5.1: it discards what the server sent before it read that a stream was given up", async () => {
    await by.begin();
    const [given, kept] = [by.ask(), by.ask()];
    await settled();
    given.stream.cancel(errorCodes.CANCEL);
    by.server.send(
      block(ok, false),
      data("late", false),
      windowUpdate(1, 5),
      block([["a", "b"]]),
      block(ok, true, 3),
    );
    await settled();
    assert.deepEqual([given.blocks.length, given.body, kept.end], [0, "", "whole"]);
  });

  it("§4.1, §5.5, §6.5.2: it ignores frames, flags and settings that nobody knows", async () => {
    await by.begin();
    const asked = by.ask();
    await settled();
    by.server.send(
      frame(0xbe, 0xff, 7, Buffer.alloc(9)),
      setting(0xabcd, 1),
      frame(HEADERS, 0xd5, 1, blockOf(ok)),
    );
    await settled();
    assert.equal(asked.end, "whole");
  });

  it("§6.7: it answers PING with ACK and the same octets, and no PING with ACK", async () => {
    await by.begin();
    by.server.send(frame(PING, ACK, 0, Buffer.from("abcdefgh")), frame(PING, 0, 0, Buffer.from("01234567")));
    const { flags, payload } = await by.server.next(isType(PING));
    assert.deepEqual([flags, payload.toString()], [ACK, "01234567"]);
  });
});
