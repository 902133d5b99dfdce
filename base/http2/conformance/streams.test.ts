import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, uint32 } from "../frames.ts";
import { headerBlock } from "../header-block.ts";
import { connectionErrors, streamErrors } from "../testing/breaches.ts";
import { get, isType, request, windowUpdate } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS, PRIORITY, RST_STREAM, WINDOW_UPDATE, GOAWAY, PING } = frameTypes;
const { END_HEADERS, END_STREAM } = frameFlags;
const { PROTOCOL_ERROR, STREAM_CLOSED, REFUSED_STREAM, CANCEL } = errorCodes;
const hold = { ...get, ":path": "/hold" };
const open = request(1, hold, { end: false });
const ended = request(1, hold);
const data = frame(DATA, 0, 1, Buffer.from("x"));
const trailers = frame(HEADERS, END_HEADERS | END_STREAM, 1, headerBlock([{ name: "a", value: "b" }]));
const cancel = frame(RST_STREAM, 0, 1, uint32(CANCEL));

describe("RFC 9113, section 5: streams", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
    by.client.begin();
  });
  afterEach(() => by.stop());

  connectionErrors({
    "§5.1: DATA on an idle stream is a connection error of type PROTOCOL_ERROR": [PROTOCOL_ERROR, data],
    "§5.1: WINDOW_UPDATE on an idle stream is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      windowUpdate(1, 1),
    ],
    "§5.1, §6.4: RST_STREAM on an idle stream is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      cancel,
    ],
    "§5.1: DATA on a stream that only the server could begin is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      request(5, hold),
      frame(DATA, 0, 4, Buffer.from("x")),
    ],
    "§5.1: WINDOW_UPDATE on a stream that only the server could begin is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, request(5, hold), windowUpdate(4, 1)],
    "§5.1: RST_STREAM on a stream that only the server could begin is a connection error of type PROTOCOL_ERROR":
      [PROTOCOL_ERROR, request(5, hold), frame(RST_STREAM, 0, 4, uint32(CANCEL))],
    "§5.1.1: a request on a stream with an even identifier is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      request(2, get),
    ],
    "§5.1.1: a request on a stream that is over is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      open,
      cancel,
      request(1, get),
    ],
    "§5.1.1: a request on a stream below one that was begun is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      request(5, hold),
      request(3, get),
    ],
  });

  streamErrors({
    "§5.1: DATA on a stream that the client ended is a stream error of type STREAM_CLOSED": [
      STREAM_CLOSED,
      ended,
      data,
    ],
    "§5.1: HEADERS on a stream that the client ended are a stream error of type STREAM_CLOSED": [
      STREAM_CLOSED,
      ended,
      trailers,
    ],
  });

  it("§5.1: WINDOW_UPDATE, PRIORITY and RST_STREAM are taken on a stream that the client ended", async () => {
    by.client.send(ended, windowUpdate(1, 7), frame(PRIORITY, 0, 1, Buffer.alloc(5)));
    assert.deepEqual((await by.settled()).filter(isType(RST_STREAM)), []);
    assert.equal(by.requests[0]?.stream.sendWindow, 65_535 + 7);
    by.client.send(cancel);
    await by.settled();
    assert.equal(by.requests[0]?.end, "gone");
  });

  it("§5.1: PRIORITY is taken on idle and on closed streams, and begins none", async () => {
    const priority = (streamId: number) => frame(PRIORITY, 0, streamId, Buffer.alloc(5));
    by.client.send(priority(7), request(1, get), priority(1), request(3, get));
    await by.client.next(isType(HEADERS, 3));
    by.client.send(priority(1), priority(4));
    assert.deepEqual((await by.settled()).filter(isType(GOAWAY)), []);
  });

  it("§5.1: what a client sent before it read that the server ended the stream is discarded", async () => {
    by.client.send(request(1, { ...get, ":path": "/early" }, { end: false }));
    assert.equal(await by.resetCode(1), errorCodes.NO_ERROR);
    await by.settled();
    by.client.send(data, data, windowUpdate(1, 1), trailers, frame(PRIORITY, 0, 1, Buffer.alloc(5)));
    assert.deepEqual(await by.settled(), []);
    by.client.send(request(3, { ...get, ":path": "/early" }, { end: false }));
    await by.resetCode(3);
    by.client.send(frame(RST_STREAM, 0, 3, uint32(CANCEL)), frame(WINDOW_UPDATE, 0, 3, uint32(5)));
    assert.deepEqual(
      (await by.settled()).filter(({ type }) => type === RST_STREAM || type === GOAWAY),
      [],
    );
  });

  it("§5.1: WINDOW_UPDATE and RST_STREAM on a stream that was answered are ignored", async () => {
    by.client.send(request(1, get));
    await by.settled();
    by.client.send(windowUpdate(1, 1), cancel);
    assert.deepEqual(await by.settled(), []);
  });

  it("§5.1: nothing is sent on a stream after its last frame", async () => {
    by.client.send(ended);
    await by.settled();
    const stream = by.requests[0]?.stream;
    stream?.respondOnly(headerBlock([{ name: ":status", value: "204" }]));
    stream?.respond(headerBlock([{ name: ":status", value: "200" }]));
    stream?.write(Buffer.from("late"));
    stream?.finish();
    stream?.reset(CANCEL);
    assert.deepEqual(
      (await by.settled()).map(({ type, flags }) => [type, flags]),
      [[HEADERS, END_HEADERS | END_STREAM]],
    );
  });

  it("§5.1.1: the first use of an identifier closes idle streams below it; those above stay to be begun", async () => {
    by.client.send(request(5, get), request(7, get));
    await by.client.next(isType(HEADERS, 7));
    by.client.send(windowUpdate(3, 1));
    assert.deepEqual((await by.settled()).filter(isType(GOAWAY)), []);
  });

  it("§5.1.2: a stream beyond SETTINGS_MAX_CONCURRENT_STREAMS is a stream error of type REFUSED_STREAM, and never served", async () => {
    for (let id = 1; id < 20; id += 2) by.client.send(request(id, hold));
    by.client.send(request(21, hold));
    assert.equal(await by.resetCode(21), REFUSED_STREAM);
    assert.equal(by.requests.length, 10);
    by.client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL)), request(23, get));
    await by.client.next(isType(HEADERS, 23));
  });

  it("§5.1.2: half-closed streams count as open, those in which only PRIORITY came do not", async () => {
    for (let id = 101; id < 140; id += 2) by.client.send(frame(PRIORITY, 0, id, Buffer.alloc(5)));
    for (let id = 1; id < 20; id += 2) by.client.send(request(id, hold, { end: id % 4 === 1 }));
    await by.settled();
    assert.equal(by.requests.length, 10);
    by.client.send(request(21, hold));
    assert.equal(await by.resetCode(21), REFUSED_STREAM);
  });

  it("§5.4: what belongs to one stream ends one stream: others go on", async () => {
    by.client.send(open, request(3, hold), windowUpdate(1, 0));
    assert.equal(await by.resetCode(1), PROTOCOL_ERROR);
    await by.settled();
    by.requests[1]?.stream.respondOnly(headerBlock([{ name: ":status", value: "200" }]));
    await by.client.next(isType(HEADERS, 3));
  });

  it("§5.4.1: a connection error is told in a GOAWAY with the last stream that came, then the connection is closed", async () => {
    by.client.send(request(1, hold), request(5, hold), frame(PING, 0, 0, Buffer.alloc(1)));
    assert.deepEqual(await by.goneAway(), { lastStreamId: 5, code: errorCodes.FRAME_SIZE_ERROR });
    assert.deepEqual(
      by.requests.map(({ end }) => end),
      ["gone", "gone"],
    );
  });

  it("§5.4.2: RST_STREAM is never answered with RST_STREAM", async () => {
    by.client.send(open, cancel, cancel, frame(RST_STREAM, 0, 1, uint32(errorCodes.INTERNAL_ERROR)));
    assert.deepEqual((await by.settled()).filter(isType(RST_STREAM)), []);
  });

  it("§5.4.2: a stream's first error is the only one that is told", async () => {
    by.client.send(open, windowUpdate(1, 0), windowUpdate(1, 0), data, trailers);
    const seen = await by.settled();
    assert.deepEqual(
      seen
        .filter(({ streamId }) => streamId === 1)
        .map(({ type, payload }) => [type, payload.readUInt32BE(0)]),
      [[RST_STREAM, PROTOCOL_ERROR]],
    );
  });
});
