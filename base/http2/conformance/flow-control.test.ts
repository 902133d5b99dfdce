import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, settingIds, uint32 } from "../frames.ts";
import { headerBlock } from "../header-block.ts";
import { connectionErrors, streamErrors } from "../testing/breaches.ts";
import { get, isType, type RawFrame, request, settingsOf, windowUpdate } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE, GOAWAY } = frameTypes;
const { END_STREAM } = frameFlags;
const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR } = errorCodes;
const windowOf = (...values: readonly number[]) =>
  frame(
    SETTINGS,
    0,
    0,
    settingsOf(...values.map((bytes) => [settingIds.INITIAL_WINDOW_SIZE, bytes] as const)),
  );
const hold = { ...get, ":path": "/hold" };
const large = { ...get, ":path": "/large" };
const open = request(1, hold, { end: false });
const bytesOf = (frames: readonly RawFrame[], streamId?: number) =>
  frames.filter(isType(DATA, streamId)).reduce((sum, { payload }) => sum + payload.length, 0);

describe("RFC 9113, section 6.9: flow control", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
    by.client.begin();
  });
  afterEach(() => by.stop());

  it("§5.2.1, §6.9.1: no more is sent than a stream's window has", async () => {
    by.client.send(windowUpdate(0, 1_000_000), windowOf(10_000), request(1, large));
    assert.equal(bytesOf(await by.settled()), 10_000);
    by.client.send(windowUpdate(1, 1));
    assert.equal(bytesOf(await by.settled()), 1);
    by.client.send(windowUpdate(1, 89_999));
    const rest = await by.settled();
    assert.equal(bytesOf(rest), 89_999);
    assert.equal(rest.at(-1)?.flags, END_STREAM);
  });

  it("§5.2.1, §6.9.1: no more is sent than the connection's window has, of all streams together", async () => {
    by.client.send(windowOf(0x7fffffff), request(1, large), request(3, large));
    assert.equal(bytesOf(await by.settled()), 65_535);
    by.client.send(windowUpdate(0, 34_465));
    assert.equal(bytesOf(await by.settled()), 34_465);
    by.client.send(windowUpdate(0, 200_000));
    assert.equal(bytesOf(await by.settled()), 100_000);
  });

  it("§6.9.1: an answer that could leave in one go waits for its window like any other", async () => {
    const echo = (id: number) => [
      request(id, { ...get, ":path": "/whole" }, { end: false }),
      frame(DATA, END_STREAM, id, Buffer.from("12345")),
    ];
    by.client.send(windowOf(4), ...echo(1));
    assert.equal(bytesOf(await by.settled()), 4);
    by.client.send(windowUpdate(1, 1), windowOf(5), ...echo(3));
    assert.equal(bytesOf(await by.settled()), 6);
    by.client.send(windowOf(100_000), request(5, large));
    assert.equal(bytesOf(await by.settled()), 65_535 - 10);
    by.client.send(...echo(7));
    assert.equal(bytesOf(await by.settled()), 0);
    by.client.send(windowUpdate(0, 100_000));
    assert.equal(bytesOf(await by.settled(), 7), 5);
  });

  it("§6.9: windows hold back DATA only: header blocks, SETTINGS and PING are sent", async () => {
    by.client.send(windowOf(0), request(1, large));
    assert.deepEqual(
      (await by.settled()).filter(({ streamId }) => streamId === 1).map(({ type }) => type),
      [HEADERS],
    );
  });

  it("§6.9.1: DATA without content is sent without a window", async () => {
    by.client.send(windowOf(0), request(1, hold));
    await by.settled();
    by.requests[0]?.stream.respond(Buffer.from([0x88]));
    by.requests[0]?.stream.finish();
    const [, last] = await by.settled();
    assert.deepEqual([last?.type, last?.flags, last?.payload.length], [DATA, END_STREAM, 0]);
  });

  it("§6.9: trailers wait for the data before them, and need no window", async () => {
    by.client.send(windowOf(4), request(1, hold));
    await by.settled();
    const stream = by.requests[0]?.stream;
    stream?.respond(Buffer.from([0x88]));
    stream?.write(Buffer.from("12345"));
    stream?.finish(headerBlock([{ name: "x", value: "y" }]));
    assert.deepEqual(
      (await by.settled()).map(({ type }) => type),
      [HEADERS, DATA],
    );
    by.client.send(windowUpdate(1, 1));
    assert.deepEqual(
      (await by.settled()).map(({ type }) => type),
      [DATA, HEADERS],
    );
  });

  it("§6.9.2: a new initial size changes the windows of open streams by the difference, not the connection's", async () => {
    by.client.send(windowOf(1_000), request(1, large));
    assert.equal(bytesOf(await by.settled()), 1_000);
    by.client.send(windowOf(1_500));
    assert.equal(bytesOf(await by.settled()), 500);
    by.client.send(windowOf(0x7fffffff));
    assert.equal(bytesOf(await by.settled()), 65_535 - 1_500);
  });

  it("§6.9.2: a window that a smaller size makes negative is kept: nothing is sent until it is above zero", async () => {
    by.client.send(windowOf(1_000), request(1, large));
    assert.equal(bytesOf(await by.settled()), 1_000);
    by.client.send(windowOf(0), windowUpdate(1, 999)); // -1
    assert.equal(bytesOf(await by.settled()), 0);
    by.client.send(windowUpdate(1, 1));
    assert.equal(bytesOf(await by.settled()), 0);
    by.client.send(windowUpdate(1, 3));
    assert.equal(bytesOf(await by.settled()), 3);
  });

  it("§6.9.2: a window may be as large as 2^31-1", async () => {
    by.client.send(windowOf(0x7fffffff), open, windowUpdate(0, 0x7fffffff - 65_535));
    assert.deepEqual(
      (await by.settled()).filter(({ type }) => type === RST_STREAM || type === GOAWAY),
      [],
    );
  });

  it("§6.9: WINDOW_UPDATE is taken on a half-closed stream, and on one that is over", async () => {
    by.client.send(windowOf(0), request(1, large), windowUpdate(1, 100_000), windowUpdate(0, 100_000));
    assert.equal(bytesOf(await by.settled()), 100_000);
    by.client.send(windowUpdate(1, 5));
    assert.deepEqual(await by.settled(), []);
  });

  it("§4.1: the reserved bit of WINDOW_UPDATE is ignored", async () => {
    by.client.send(windowOf(0), request(1, large), frame(WINDOW_UPDATE, 0, 1, uint32(0x80000007)));
    assert.equal(bytesOf(await by.settled()), 7);
  });

  it("§6.9: DATA that is discarded counts against the connection's window, and is given back to it", async () => {
    by.client.send(request(1, { ...get, ":path": "/early" }, { end: false }));
    await by.settled();
    let given = 0;
    for (let sent = 0; sent < 20; sent++) {
      by.client.send(frame(DATA, 0, 1, Buffer.alloc(16_384)));
      const seen = await by.settled();
      assert.deepEqual(seen.filter(isType(GOAWAY)), []);
      given += seen.reduce(
        (sum, one) => sum + (isType(WINDOW_UPDATE, 0)(one) ? one.payload.readUInt32BE(0) : 0),
        0,
      );
    }
    assert.ok(given > 20 * 16_384 - 65_535);
  });

  it("§6.9: what is consumed is given back to its stream, and never more", async () => {
    by.client.send(open);
    await by.settled();
    let given = 0;
    for (let sent = 0; sent < 20; sent++) {
      by.client.send(frame(DATA, 0, 1, Buffer.alloc(10_000)));
      const seen = await by.settled();
      given += seen.reduce(
        (sum, one) => sum + (isType(WINDOW_UPDATE, 1)(one) ? one.payload.readUInt32BE(0) : 0),
        0,
      );
      assert.ok(given <= 10_000 * (sent + 1));
    }
    assert.ok(given > 200_000 - 65_535);
  });

  streamErrors({
    "§6.9: a stream's WINDOW_UPDATE by 0 is a stream error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      open,
      windowUpdate(1, 0),
    ],
    "§6.9.1: a stream's window above 2^31-1 is a stream error of type FLOW_CONTROL_ERROR": [
      FLOW_CONTROL_ERROR,
      open,
      windowUpdate(1, 0x7fffffff - 65_535),
      windowUpdate(1, 1),
    ],
    "§6.9.1: more DATA than a stream's window is a stream error of type FLOW_CONTROL_ERROR": [
      FLOW_CONTROL_ERROR,
      // The bytes of a padded frame count, and an application that consumes nothing gives none back.
      request(1, { ...get, ":path": "/stuck" }, { end: false }),
      ...Array.from({ length: 4 }, () => frame(DATA, 0, 1, Buffer.alloc(16_000))),
      frame(DATA, 0, 1, Buffer.alloc(1_536)),
    ],
  });

  connectionErrors({
    "§6.9: the connection's WINDOW_UPDATE by 0 is a connection error of type PROTOCOL_ERROR": [
      PROTOCOL_ERROR,
      windowUpdate(0, 0),
    ],
    "§6.9: WINDOW_UPDATE of a length other than 4 octets is a connection error of type FRAME_SIZE_ERROR: 3": [
      FRAME_SIZE_ERROR,
      frame(WINDOW_UPDATE, 0, 0, Buffer.alloc(3)),
    ],
    "§6.9: WINDOW_UPDATE of a length other than 4 octets is a connection error of type FRAME_SIZE_ERROR: 5, on a stream":
      [FRAME_SIZE_ERROR, open, frame(WINDOW_UPDATE, 0, 1, Buffer.alloc(5))],
    "§6.9.1: the connection's window above 2^31-1 is a connection error of type FLOW_CONTROL_ERROR": [
      FLOW_CONTROL_ERROR,
      windowUpdate(0, 0x7fffffff - 65_535),
      windowUpdate(0, 1),
    ],
    "§6.9.2: an initial size that lifts a window above 2^31-1 is a connection error of type FLOW_CONTROL_ERROR":
      [FLOW_CONTROL_ERROR, open, windowUpdate(1, 1), windowOf(0x7fffffff)],
    "§6.5.3, §6.9.2: an initial size that does so until the next value of the same SETTINGS is one, too": [
      FLOW_CONTROL_ERROR,
      open,
      windowUpdate(1, 1),
      windowOf(0x7fffffff, 65_535),
    ],
  });
});
