import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Http2Server, type Settings } from "node:http2";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import fc from "fast-check";
import { ManualClock, settle } from "../../client/testing/manual-clock.ts";
import { propertyMs, runs } from "../../test/fuzz/runs.ts";
import { systemClock } from "../os/clock.ts";
import { ClientConnection, type ClientLimits } from "./client-connection.ts";
import type { ClientStream, StreamLoss } from "./client-stream.ts";
import { duplexPair } from "./duplex-pair.ts";
import { errorCodes, frame, frameFlags, frameTypes, settingIds, uint32 } from "./frames.ts";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import { isType, RawServer, windowUpdate } from "./testing/raw-client.ts";

const { DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, CONTINUATION } = frameTypes;
const limits: ClientLimits = {
  streamWindowBytes: 64 << 10,
  connectionWindowBytes: 128 << 10,
  headerListBytesMost: 8 << 10,
  requestsMost: 1000,
  silence: { silentMostMs: 10_000, answerWithinMs: 5_000 },
};
const nothing = Buffer.alloc(0);

/** What came of a request; `over` settles with it. */
class Asked {
  readonly blocks: (readonly Header[])[] = [];
  readonly body: Buffer[] = [];
  readonly over: Promise<StreamLoss | "answered">;
  readonly stream: ClientStream;
  onData = (bytes: number): void => this.stream.consumed(bytes);

  constructor(connection: ClientConnection, path = "/", body?: Uint8Array) {
    let end: (how: StreamLoss | "answered") => void = () => undefined;
    this.over = new Promise((resolve) => {
      end = resolve;
    });
    const head = [
      { name: ":method", value: "POST" },
      { name: ":scheme", value: "http" },
      { name: ":path", value: path },
      { name: ":authority", value: "test" },
    ];
    this.stream = connection.request(headerBlock(head), {
      headers: (headers) => void this.blocks.push(headers),
      data: (bytes) => {
        this.body.push(Buffer.from(bytes));
        this.onData(bytes.length);
      },
      end: () => end("answered"),
      gone: end,
    });
    this.stream.finish(body);
  }

  get status(): string | undefined {
    return this.blocks[0]?.find(({ name }) => name === ":status")?.value;
  }
}

const setting = (id: number, value: number) => {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
};

describe("a client's HTTP/2 connection", () => {
  describe("to Node's server", () => {
    let server: Http2Server;
    let connection: ClientConnection;
    const open = async (settings: Settings) => {
      server = createServer({ settings });
      server.on("stream", (stream) => {
        const pieces: Buffer[] = [];
        stream.on("data", (bytes: Buffer) => pieces.push(bytes));
        stream.on("error", () => undefined);
        stream.on("end", () => {
          if (stream.destroyed) return;
          // Headers that repeat are in the table of the connection from the second time on.
          stream.respond({ ":status": 200, "x-what": "an answer", "x-length": Buffer.concat(pieces).length });
          stream.end(Buffer.concat(pieces));
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      await new Promise<void>((resolve) => {
        connection = new ClientConnection(socket, {
          limits,
          clock: systemClock,
          onReady: resolve,
          onLeaving: () => undefined,
        });
      });
    };
    afterEach(async () => {
      connection.close("the test is over");
      await new Promise((resolve) => server.close(resolve));
    });

    for (const [what, settings] of Object.entries({
      "as it is": {},
      "that takes three at once": { maxConcurrentStreams: 3 },
      "with narrow windows": { initialWindowSize: 1_000 },
    }))
      it(`is answered, whatever the lengths, by one ${what}`, async () => {
        await open(settings);
        const lengths = Array.from({ length: 60 }, (_, at) => (at % 6 === 0 ? 300_000 : at * 7));
        const all = lengths.map(
          (length, at) => new Asked(connection, `/${at}`, Buffer.alloc(length, at + 1)),
        );
        for (const [at, asked] of all.entries()) {
          assert.equal(await asked.over, "answered");
          assert.equal(asked.status, "200");
          assert.deepEqual(Buffer.concat(asked.body), Buffer.alloc(lengths[at] ?? 0, at + 1));
        }
      });

    it("takes no more of an answer that nobody reads than its window, and of others all", async () => {
      await open({});
      const slow = new Asked(connection, "/", Buffer.alloc(300_000, 1));
      let held = 0;
      const full = new Promise<void>((resolve) => {
        slow.onData = (bytes) => {
          held += bytes;
          if (held === limits.streamWindowBytes) resolve();
        };
      });
      await full;
      assert.equal(await new Asked(connection, "/", Buffer.alloc(300_000, 2)).over, "answered");
      assert.equal(held, limits.streamWindowBytes);
      slow.onData = (bytes) => slow.stream.consumed(bytes);
      slow.stream.consumed(held);
      assert.equal(await slow.over, "answered");
      assert.deepEqual(Buffer.concat(slow.body), Buffer.alloc(300_000, 1));
    });

    it("goes on after requests that nobody waits for any more", async () => {
      await open({});
      const first = Array.from({ length: 10 }, () => new Asked(connection, "/", Buffer.alloc(100_000)));
      for (const { stream } of first) stream.cancel(errorCodes.CANCEL);
      const last = new Asked(connection, "/", Buffer.alloc(100_000, 9));
      assert.equal(await last.over, "answered");
      assert.deepEqual(Buffer.concat(last.body), Buffer.alloc(100_000, 9));
    });
  });

  describe("to a server by hand", () => {
    const open = (changed: Partial<ClientLimits> = {}) => {
      const [ours, theirs] = duplexPair();
      const server = new RawServer(theirs);
      const clock = new ManualClock();
      const seen = { isReady: false, leaving: [] as string[] };
      const connection = new ClientConnection(ours, {
        limits: { ...limits, ...changed },
        clock,
        onReady: () => {
          seen.isReady = true;
        },
        onLeaving: (reason) => void seen.leaving.push(reason),
      });
      return { server, connection, clock, seen };
    };
    const begun = async (changed: Partial<ClientLimits> = {}, settings: Uint8Array = nothing) => {
      const all = open(changed);
      all.server.begin(settings);
      while (!all.seen.isReady) await settle();
      return all;
    };
    const answerBlock = headerBlock([{ name: ":status", value: "200" }]);
    const answer = (streamId: number) =>
      frame(HEADERS, frameFlags.END_HEADERS | frameFlags.END_STREAM, streamId, answerBlock);

    it("says its SETTINGS at once, and takes requests once the server said its own", async () => {
      const { server, connection } = open();
      await server.next(isType(SETTINGS, 0));
      assert.equal(connection.takesRequests, false);
      server.begin();
      await server.next(({ type, flags }) => type === SETTINGS && flags === frameFlags.ACK);
      assert.equal(connection.takesRequests, true);
    });

    it("knows which requests a server that leaves did not look at", async () => {
      const { server, connection, seen } = await begun({}, setting(settingIds.MAX_CONCURRENT_STREAMS, 2));
      const [first, second, queued] = [new Asked(connection), new Asked(connection), new Asked(connection)];
      await server.next(isType(HEADERS, 3));
      server.send(frame(GOAWAY, 0, 0, Buffer.concat([uint32(1), uint32(0), Buffer.from("bye")])));
      for (const asked of [second, queued]) {
        const loss = { maybeServed: false, code: undefined, reason: "the server is leaving: bye" };
        assert.deepEqual(await asked.over, loss);
      }
      assert.equal(connection.takesRequests, false);
      server.send(answer(1));
      assert.equal(await first.over, "answered");
      await server.closed();
      assert.deepEqual(seen.leaving, ["the server is leaving: bye"]);
    });

    it("carries so many requests as it may, and ends with the last", async () => {
      const { server, connection, seen } = await begun({ requestsMost: 2 });
      const both = [new Asked(connection), new Asked(connection)];
      assert.equal(connection.takesRequests, false);
      assert.equal(seen.leaving.length, 1);
      await server.next(isType(HEADERS, 3));
      server.send(answer(3), answer(1));
      assert.deepEqual(await Promise.all(both.map(({ over }) => over)), ["answered", "answered"]);
      await server.closed();
    });

    it("tells a refused request from one that may have been served", async () => {
      const { server, connection } = await begun();
      const [refused, broken, lost] = [new Asked(connection), new Asked(connection), new Asked(connection)];
      await server.next(isType(HEADERS, 5));
      server.send(frame(RST_STREAM, 0, 1, uint32(errorCodes.REFUSED_STREAM)));
      server.send(frame(RST_STREAM, 0, 3, uint32(errorCodes.INTERNAL_ERROR)));
      const how = async (asked: Asked) => {
        const loss = await asked.over;
        return loss === "answered" ? loss : [loss.maybeServed, loss.code];
      };
      assert.deepEqual(await how(refused), [false, errorCodes.REFUSED_STREAM]);
      assert.deepEqual(await how(broken), [true, errorCodes.INTERNAL_ERROR]);
      server.socket.destroy();
      assert.deepEqual(await how(lost), [true, undefined]);
    });

    it("gives up the rest of a request that is answered before its end", async () => {
      const { server, connection } = await begun({}, setting(settingIds.INITIAL_WINDOW_SIZE, 10));
      const early = new Asked(connection, "/", Buffer.alloc(1_000));
      await server.next(isType(DATA, 1));
      server.send(answer(1));
      assert.equal(await early.over, "answered");
      await server.next(isType(RST_STREAM, 1));
      server.send(windowUpdate(1, 1_000)); // sent before the server heard of it
      const next = new Asked(connection);
      await server.next(isType(HEADERS, 3));
      server.send(answer(3));
      assert.equal(await next.over, "answered");
    });

    it("asks a server that says nothing while something is asked of it, and gives up a dead one", async () => {
      const { server, connection, clock } = await begun();
      await clock.advance(60_000);
      assert.equal(server.frames.find(isType(PING)), undefined);
      const asked = new Asked(connection);
      await clock.advance(10_000);
      const { payload } = await server.next(isType(PING));
      server.send(frame(PING, frameFlags.ACK, 0, payload));
      await settle();
      await clock.advance(14_999);
      await server.next(isType(PING));
      await clock.advance(1);
      const reason = "the server says nothing any more";
      assert.deepEqual(await asked.over, { maybeServed: true, code: undefined, reason });
    });

    const flood = Array.from({ length: 20 }, () => frame(CONTINUATION, 0, 1, Buffer.alloc(1_000, 0x82)));
    const violations: Record<string, Uint8Array> = {
      "a push": frame(PUSH_PROMISE, frameFlags.END_HEADERS, 1, Buffer.alloc(8)),
      "DATA of no request": frame(DATA, 0, 3, Buffer.from("x")),
      "an answer to a stream of its own": answer(2),
      "an answer to nothing": answer(0),
      "a header index that is none": frame(HEADERS, frameFlags.END_HEADERS, 1, Buffer.from([0xff, 0x7f])),
      "a header block that is interrupted": Buffer.concat([
        frame(HEADERS, 0, 1, answerBlock),
        frame(PING, 0, 0, Buffer.alloc(8)),
      ]),
      "headers without end": Buffer.concat([frame(HEADERS, 0, 1, answerBlock), ...flood]),
      "a window beyond 2^31": windowUpdate(1, 2 ** 31 - 1),
      "a window update by nothing": windowUpdate(0, 0),
      "a PING of a wrong size": frame(PING, 0, 0, Buffer.alloc(7)),
      "a GOAWAY of a wrong size": frame(GOAWAY, 0, 0, Buffer.alloc(7)),
      "SETTINGS of a wrong size": frame(SETTINGS, 0, 0, Buffer.alloc(7)),
      "a frame that is too large": frame(DATA, 0, 1, Buffer.alloc(16_385)),
    };
    for (const [what, bytes] of Object.entries(violations))
      it(`ends with ${what}`, async () => {
        const { server, connection } = await begun();
        const asked = new Asked(connection);
        await server.next(isType(HEADERS, 1));
        server.send(bytes);
        const loss = await asked.over;
        assert.match(loss === "answered" ? loss : loss.reason, /the server broke the protocol/);
        await server.closed();
      });

    it("ends with a first frame that is not SETTINGS", async () => {
      const { server, seen } = open();
      server.send(frame(PING, 0, 0, Buffer.alloc(8)));
      await server.closed();
      assert.deepEqual(seen.leaving, ["the server broke the protocol: the first frame must be SETTINGS"]);
    });

    it("gives up an answer whose headers are too large, and goes on", async () => {
      const { server, connection } = await begun();
      const [large, next] = [new Asked(connection), new Asked(connection)];
      await server.next(isType(HEADERS, 3));
      const long = headerBlock([
        { name: ":status", value: "200" },
        { name: "x", value: "y".repeat(9_000) },
      ]);
      server.send(frame(HEADERS, frameFlags.END_HEADERS, 1, long), answer(3));
      const loss = await large.over;
      assert.equal(loss === "answered" ? loss : loss.reason, "the answer's headers are too large");
      assert.equal(await next.over, "answered");
    });

    it("outlives whatever frames come: every request ends once", async () => {
      const anyFrame = fc
        .tuple(
          fc.integer({ min: 0, max: 10 }),
          fc.integer({ min: 0, max: 255 }),
          fc.integer({ min: 0, max: 9 }),
          fc.oneof(fc.constant(new Uint8Array(answerBlock)), fc.uint8Array({ maxLength: 64 })),
        )
        .map(([type, flags, streamId, payload]) => frame(type, flags, streamId, payload));
      await fc.assert(
        fc.asyncProperty(fc.array(anyFrame, { maxLength: 30 }), async (frames) => {
          const { server, connection } = await begun();
          const all = [new Asked(connection), new Asked(connection), new Asked(connection)];
          server.send(...frames);
          await settle();
          await settle();
          connection.close("the test is over");
          for (const { over } of all) await over;
        }),
        runs(100),
      );
    }).timeout(propertyMs);
  });
});
