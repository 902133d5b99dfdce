import assert from "node:assert/strict";
import { createServer as createHttp1 } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { ManualClock } from "../../client/testing/manual-clock.ts";
import { type Deferred, deferred } from "../deferred.ts";
import { systemClock } from "../os/clock.ts";
import { silentLog } from "../os/log.ts";
import { heldBytes } from "../testing/held-bytes.ts";
import { frame, frameFlags, frameTypes } from "./frames.ts";
import { Http2Server } from "./http2-server.ts";
import { relayToHttp1 } from "./relay-to-http1.ts";
import { serveHttp } from "./serve-http.ts";
import type { Route } from "./stream.ts";
import { get, isType, RawClient, request } from "./testing/raw-client.ts";

const { DATA, PING, HEADERS } = frameTypes;
const bodyBytes = 60_000;
const heldMost = 20 * bodyBytes;
const limits = {
  streamsMost: 10,
  streamWindowBytes: 65_536,
  connectionWindowBytes: 65_536,
  headerListBytesMost: 65_536,
};
const body = Buffer.alloc(bodyBytes, "octets");

describe("a body in frames of one octet", () => {
  let reading: Deferred<void>;
  let read: Deferred<Buffer>;
  beforeEach(() => {
    reading = deferred();
    read = deferred();
  });
  const readLater = async (asked: AsyncIterable<Buffer>) => {
    await reading.promise;
    const pieces: Buffer[] = [];
    for await (const piece of asked) pieces.push(piece);
    read.resolve(Buffer.concat(pieces));
  };
  const http1 = createHttp1((asked, response) => void readLater(asked).then(() => response.end()));
  const routes: Readonly<Record<string, Route>> = {
    "that its handler reads later": serveHttp(async (asked, response) => {
      await readLater(asked);
      response.end();
    }, systemClock),
    "that its handler stopped reading": serveHttp(async (asked, response) => {
      asked.on("readable", () => undefined);
      await readLater(asked);
      response.end();
    }, systemClock),
    "that is relayed to a server of HTTP/1.1 that reads later": relayToHttp1(http1),
  };
  for (const [what, route] of Object.entries(routes))
    describe(what, () => {
      let http2: Http2Server;
      let listener: Server;
      let client: RawClient;
      before(async () => {
        http2 = new Http2Server({ limits, route, clock: new ManualClock(), log: silentLog });
        listener = createServer((socket) => http2.accept(socket));
        await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
        client = new RawClient((listener.address() as AddressInfo).port);
        client.begin();
      });
      after(async () => {
        client.socket.destroy();
        listener.close();
        await http2.stop();
      });

      it("costs little more than its octets, and arrives", async () => {
        client.send(request(1, { ...get, ":method": "POST" }, { end: false }));
        const before = await heldBytes();
        for (let at = 0; at < bodyBytes; at += 1_000) {
          const frames = [];
          for (let next = at; next < at + 1_000; next++)
            frames.push(frame(DATA, 0, 1, body.subarray(next, next + 1)));
          client.send(...frames, frame(PING, 0, 0, Buffer.alloc(8)));
          await client.next(isType(PING));
        }
        const held = (await heldBytes()) - before;
        assert.ok(held < heldMost, `${held} bytes are held`);
        reading.resolve();
        client.send(frame(DATA, frameFlags.END_STREAM, 1, Buffer.alloc(0)));
        assert.ok((await read.promise).equals(body));
        await client.next(isType(HEADERS, 1));
      });
    });
});
