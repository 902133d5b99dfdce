import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createSocketServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { systemClock } from "../os/clock.ts";
import { silentLog } from "../os/log.ts";
import { errorCodes, frame, frameFlags, frameTypes } from "./frames.ts";
import { Http2Server } from "./http2-server.ts";
import { relayToHttp1 } from "./relay-to-http1.ts";
import { get, isType, RawClient, request } from "./testing/raw-client.ts";

describe("HTTP/2 relayed to a server of HTTP/1.1", () => {
  const seen: (readonly [method: string, url: string, body: string])[] = [];
  let http2: Http2Server;
  let listener: Server;
  before(async () => {
    const server = createServer(async (asked, response) => {
      const { method = "", url = "", headers } = asked;
      const named = Object.hasOwn(headers, "constructor") ? String(headers.constructor) : "";
      seen.push([method, url, named + (await text(asked))]);
      if (url === "/broken") response.write("half", () => response.destroy());
      else response.end();
    });
    const limits = {
      streamsMost: 10,
      streamWindowBytes: 65_536,
      connectionWindowBytes: 65_536,
      headerListBytesMost: 65_536,
    };
    http2 = new Http2Server({ limits, route: relayToHttp1(server), clock: systemClock, log: silentLog });
    listener = createSocketServer((socket) => http2.accept(socket));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    listener.close();
    await http2.stop();
  });

  it("carries a header whose name all objects inherit", async () => {
    seen.length = 0;
    const client = new RawClient((listener.address() as AddressInfo).port);
    client.begin();
    client.send(request(1, { ...get, ":path": "/named", constructor: "x" }));
    await client.next(({ streamId, flags }) => streamId === 1 && (flags & frameFlags.END_STREAM) !== 0);
    client.socket.destroy();
    assert.deepEqual(seen, [["GET", "/named", "x"]]);
  });

  it("resets the stream of an answer that breaks off", async () => {
    const client = new RawClient((listener.address() as AddressInfo).port);
    client.begin();
    client.send(request(1, { ...get, ":path": "/broken" }));
    const { payload } = await client.next(isType(frameTypes.RST_STREAM, 1));
    assert.equal(payload.readUInt32BE(0), errorCodes.INTERNAL_ERROR);
    client.socket.destroy();
  });

  for (const method of ["GET", "DELETE", "POST"])
    it(`keeps the body of a ${method} within its request, whatever stands in it`, async () => {
      seen.length = 0;
      const inside = "POST /inside HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
      const client = new RawClient((listener.address() as AddressInfo).port);
      client.begin();
      client.send(request(1, { ...get, ":method": method, ":path": "/outside" }, { end: false }));
      client.send(frame(frameTypes.DATA, frameFlags.END_STREAM, 1, Buffer.from(inside)));
      await client.next(({ streamId, flags }) => streamId === 1 && (flags & frameFlags.END_STREAM) !== 0);
      client.socket.destroy();
      assert.deepEqual(seen, [[method, "/outside", inside]]);
    });
});
