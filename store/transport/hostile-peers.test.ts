import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, preface, settingIds } from "../../base/http2/frames.ts";
import { get, isType, request, settingsOf, windowUpdate } from "../../base/http2/testing/raw-client.ts";
import { ServerByHand } from "../../base/http2/testing/server-by-hand.ts";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { http2Limits } from "./http2-limits.ts";

const { DATA, HEADERS, PRIORITY, SETTINGS, RST_STREAM, CONTINUATION } = frameTypes;
const hold = { ...get, ":path": "/hold" };
const times = <T>(count: number, make: (at: number) => T) =>
  Array.from({ length: count }, (_, at) => make(at));

describe("an HTTP/2 server and peers that mean no good", () => {
  let by: ServerByHand;
  afterEach(() => by.stop());
  const othersAreServed = async () => {
    const other = by.connect();
    other.begin();
    other.send(request(1, get));
    await other.next(isType(HEADERS, 1));
    other.socket.destroy();
  };

  it("counts the work of streams that the client has the server reset, like that of those it resets itself", async () => {
    by = new ServerByHand();
    by.client.begin();
    for (let id = 1; id < 20; id += 2) {
      by.client.send(request(id, hold));
      await by.settled();
      by.requests.at(-1)?.stream.takeSlot();
      by.client.send(windowUpdate(id, 0));
      assert.equal(await by.resetCode(id), errorCodes.PROTOCOL_ERROR);
    }
    by.client.send(request(21, hold));
    assert.equal(await by.resetCode(21), errorCodes.REFUSED_STREAM);
    assert.equal(by.requests.length, 10);
    for (const { stream } of by.requests) stream.freeSlot();
    await othersAreServed();
  });

  for (const [what, frames] of [
    ["PRIORITY", times(5_000, (at) => frame(PRIORITY, 0, at + 1, Buffer.alloc(5)))],
    ["windows of one octet", times(5_000, (at) => windowUpdate(at % 2, 1))],
  ] as const)
    it(`serves others, and the client itself, after a flood of ${what}`, async () => {
      by = new ServerByHand();
      by.client.begin();
      by.client.send(request(1, hold, { end: false }), ...frames, request(3, get));
      await by.client.next((seen) => seen.streamId === 3 && seen.type !== RST_STREAM);
      await othersAreServed();
    });

  for (const [what, most, make] of [
    ["SETTINGS", 99, (at: number) => frame(SETTINGS, 0, 0, settingsOf([settingIds.INITIAL_WINDOW_SIZE, at]))],
    ["DATA without content", 1_000, () => frame(DATA, 0, 1, Buffer.alloc(0))],
    ["DATA of nothing but padding", 1_000, () => frame(DATA, frameFlags.PADDED, 1, Buffer.alloc(1))],
  ] as const)
    it(`takes many frames of ${what}, and ends the connection of a client that sends no end of them`, async () => {
      by = new ServerByHand({ clock: new ManualClock() });
      by.client.begin();
      by.client.send(request(1, hold, { end: false }), ...times(most, make), request(3, get));
      await by.client.next(isType(HEADERS, 3));
      by.client.send(make(0));
      assert.equal((await by.goneAway()).code, errorCodes.ENHANCE_YOUR_CALM);
      await othersAreServed();
    });

  it("takes SETTINGS that come now and then, for ever", async () => {
    const clock = new ManualClock();
    by = new ServerByHand({ clock });
    by.client.begin();
    for (let second = 0; second < 100; second++) {
      by.client.send(
        ...times(10, (at) => frame(SETTINGS, 0, 0, settingsOf([settingIds.INITIAL_WINDOW_SIZE, at]))),
      );
      await by.settled();
      await clock.advance(1_000);
    }
    by.client.send(request(1, get));
    await by.client.next(isType(HEADERS, 1));
  });

  for (const [what, begin] of [
    ["its preface", preface.subarray(0, 20)],
    ["its SETTINGS", preface],
    [
      "a head that it began",
      Buffer.concat([
        preface,
        frame(SETTINGS, 0, 0, Buffer.alloc(0)),
        request(1, get, { endHeaders: false }),
        frame(CONTINUATION, 0, 1, Buffer.alloc(0)),
      ]),
    ],
  ] as const)
    it(`ends a connection to the store whose client does not go on with ${what}`, async () => {
      const clock = new ManualClock();
      by = new ServerByHand({ limits: http2Limits, clock });
      by.client.send(begin);
      await by.client.next(isType(SETTINGS));
      while (by.client.socket.writableLength > 0) await new Promise(setImmediate);
      await clock.advance(http2Limits.headWithinMs ?? 0);
      const { payload } = await by.client.next(isType(frameTypes.GOAWAY));
      assert.equal(payload.readUInt32BE(4), errorCodes.ENHANCE_YOUR_CALM);
    });
});
