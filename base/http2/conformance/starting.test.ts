import assert from "node:assert/strict";
import { errorCodes, frame, frameFlags, frameTypes, preface } from "../frames.ts";
import { ackSettings, get, isType, type RawClient, request } from "../testing/raw-client.ts";
import { ServerByHand } from "../testing/server-by-hand.ts";

const { HEADERS, SETTINGS, PING } = frameTypes;
const emptySettings = frame(SETTINGS, 0, 0, Buffer.alloc(0));
const isAck = ({ flags }: { readonly flags: number }) => (flags & frameFlags.ACK) !== 0;

describe("RFC 9113, section 3: starting HTTP/2", () => {
  let by: ServerByHand;
  beforeEach(() => {
    by = new ServerByHand();
  });
  afterEach(() => by.stop());

  it("§3.4: the first frame that a server sends is SETTINGS, without ACK", async () => {
    by.client.begin();
    by.client.send(request(1, get));
    const first = await by.client.next(() => true);
    assert.deepEqual([first.type, first.flags, first.streamId], [SETTINGS, 0, 0]);
    assert.equal(first.payload.length % 6, 0);
  });

  it("§3.4: the SETTINGS of a client's preface are acknowledged after the server sent its own preface", async () => {
    by.client.send(preface, emptySettings);
    const settings = [await by.client.next(isType(SETTINGS)), await by.client.next(isType(SETTINGS))];
    assert.deepEqual(settings.map(isAck), [false, true]);
    assert.equal(settings[1]?.payload.length, 0);
  });

  it("§3.4: a client may send frames right behind its preface, before it has the server's SETTINGS", async () => {
    by.client.send(preface, emptySettings, request(1, get));
    await by.client.next(isType(HEADERS, 1));
  });

  for (const [what, bytes] of [
    ["other bytes than the preface", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")],
    [
      "a preface that is followed by another frame than SETTINGS",
      Buffer.concat([preface, frame(PING, 0, 0, Buffer.alloc(8))]),
    ],
    ["a preface that is followed by an acknowledgement", Buffer.concat([preface, ackSettings])],
  ] as const)
    it(`§3.4: an invalid preface is a connection error of type PROTOCOL_ERROR: ${what}`, async () => {
      by.client.send(bytes, emptySettings, request(1, get));
      assert.deepEqual(await by.goneAway(), { lastStreamId: 0, code: errorCodes.PROTOCOL_ERROR });
      assert.deepEqual(by.requests, []);
    });

  it("§3.4: the preface counts from the first byte, however it is cut", async () => {
    const client: RawClient = by.connect();
    for (const byte of Buffer.concat([preface, emptySettings, request(1, get)])) {
      client.send(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await client.next(isType(HEADERS, 1));
    client.socket.destroy();
  });
});
