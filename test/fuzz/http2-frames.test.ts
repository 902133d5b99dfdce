import assert from "node:assert/strict";
import { createServer } from "node:http";
import fc from "fast-check";
import { duplexPair } from "../../base/http2/duplex-pair.ts";
import { frame, frameTypes, windowMost } from "../../base/http2/frames.ts";
import { Http2Server } from "../../base/http2/http2-server.ts";
import { relayToHttp1 } from "../../base/http2/relay-to-http1.ts";
import {
  call,
  grpcData,
  isType,
  RawClient,
  request,
  windowUpdate,
} from "../../base/http2/testing/raw-client.ts";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { collectGarbage } from "../../base/testing/collect-garbage.ts";
import type { StreamHandler, UnaryHandler } from "../../store/rpc/handler.ts";
import { GrpcService } from "../../store/transport/grpc/grpc-service.ts";
import { timeoutHeader } from "../../store/transport/grpc/timeout.ts";
import { anyMove, type Move, Moves, rightMove, rightMovesMost } from "./http2-moves.ts";
import { propertyMs, runs } from "./runs.ts";

const { DATA, HEADERS, PING, GOAWAY } = frameTypes;
/** What a round may leave in the heap: what is compiled in it, and the like. */
const heapGrowthMost = 1 << 20;

/** The store's transport with services of the test's own, and a count of all that must be given back. */
class Server {
  timers = 0;
  streams = 0;
  answers = 0;
  readonly #meter = new MetricsRegistry();
  readonly #http1 = createServer((asked, response) =>
    asked.resume().on("end", () => response.end("by HTTP/1.1")),
  );
  readonly #grpc: GrpcService;
  readonly http2: Http2Server;

  constructor() {
    const parts = { clock: this.#countingClock(), log: silentLog };
    const later: (() => void)[] = [];
    this.#grpc = new GrpcService(
      { maxRequestBytes: 100_000, tellsTimes: true },
      {
        ...parts,
        meter: this.#meter,
        handlers: {
          unary: new Map<string, UnaryHandler>([
            ["/test.Test/Echo", (bytes, _, out) => out.succeed(bytes)],
            ["/test.Test/Large", (_bytes, _call, out) => out.succeed(Buffer.alloc(70_000))],
            [
              "/test.Test/Fail",
              () => {
                throw new Error("failed");
              },
            ],
            [
              "/test.Test/Later",
              (bytes, _, out) => {
                this.answers += 1;
                later.push(() => out.succeed(bytes));
                if (later.length > 1) return;
                setImmediate(() => {
                  for (const answer of later.splice(0)) {
                    this.answers -= 1;
                    answer();
                  }
                });
              },
            ],
          ]),
          streams: new Map<string, { readonly handler: StreamHandler; readonly kind: "bidiStream" }>([
            [
              "/test.Test/Stream",
              {
                kind: "bidiStream",
                handler: (out) => {
                  this.streams += 1;
                  return {
                    message: (bytes) => void out.send(bytes),
                    halfClose: () => out.end(),
                    drained: () => undefined,
                    closed: () => {
                      this.streams -= 1;
                    },
                  };
                },
              },
            ],
          ]),
        },
      },
    );
    const relay = relayToHttp1(this.#http1);
    this.http2 = new Http2Server({
      limits: {
        streamsMost: 50,
        streamWindowBytes: 65_535,
        connectionWindowBytes: 200_000,
        headerListBytesMost: 8_192,
      },
      ...parts,
      route: (headers) => (GrpcService.isGrpc(headers) ? this.#grpc.route(headers) : relay(headers)),
      apart: timeoutHeader,
    });
  }

  connect(): RawClient {
    const [ours, theirs] = duplexPair();
    this.http2.accept(ours);
    theirs.on("end", () => theirs.end());
    return new RawClient(theirs);
  }

  /** After all clients are gone: nothing is left of them. */
  async assertNothingLeft(): Promise<void> {
    await this.http2.stop();
    this.#grpc.stop();
    this.#http1.close();
    while (this.answers > 0) await new Promise(setImmediate);
    assert.deepEqual({ timers: this.timers, streams: this.streams }, { timers: 0, streams: 0 });
    const text = await this.#meter.text();
    const total = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    assert.equal(total("grpc_server_handled_total"), total("grpc_server_started_total"));
  }

  #countingClock(): Clock {
    return {
      ...systemClock,
      after: (delayMs, fire) => {
        this.timers += 1;
        let isOver = false;
        const over = () => {
          if (!isOver) this.timers -= 1;
          isOver = true;
        };
        const stop = systemClock.after(delayMs, () => {
          over();
          fire();
        });
        return () => {
          over();
          stop();
        };
      },
    };
  }
}

/** What is left after what ends by itself, in a few turns of the event loop. Buffers are not counted: they are freed later. */
async function heapOnceSettled(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 20; turn++) {
    await new Promise(setImmediate);
    collectGarbage();
    least = Math.min(least, process.memoryUsage().heapUsed);
  }
  return least;
}

/** Sends all at once, or cut after every so many bytes. */
function sendAll(client: RawClient, moves: Moves, all: readonly Move[], cut: number): void {
  const bytes = Buffer.concat(all.flatMap((move) => moves.framesOf(move)));
  if (cut === 0) client.send(bytes);
  else for (let at = 0; at < bytes.length; at += cut) client.send(bytes.subarray(at, at + cut));
}

const ping = (text: string) => frame(PING, 0, 0, Buffer.from(text));
const anyMoves = fc.array(anyMove, { maxLength: 200, size: "max" });
const cuts = fc.constantFrom(0, 0, 1_000, 97);

describe("HTTP/2 and gRPC under frames of every kind", () => {
  let server: Server;
  let other: RawClient;
  let otherId = -1;
  let frames = 0;
  before(() => {
    server = new Server();
    other = server.connect();
    other.begin();
    other.send(windowUpdate(0, windowMost - 65_535));
  });
  after(async () => {
    other.socket.destroy();
    await server.assertNothingLeft();
    if (process.env.PINTLE_FUZZ_RUNS !== undefined) console.log(`      ${frames} frames`);
  });

  /** Another connection is served, whatever was sent on the one that is fuzzed. */
  const othersAreServed = async () => {
    otherId += 2;
    other.send(
      request(otherId, call("/test.Test/Echo"), { end: false }),
      grpcData(otherId, Buffer.from("other")),
    );
    assert.equal((await other.next(isType(DATA, otherId))).payload.subarray(5).toString(), "other");
    other.frames.length = 0;
  };
  const received = (client: RawClient) =>
    client.frames.filter(isType(DATA)).reduce((sum, { payload }) => sum + payload.length, 0);

  it("serves a client that does whatever it may: every whole call is answered, within its windows", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rightMove, { maxLength: rightMovesMost, size: "max" }),
        cuts,
        async (all, cut) => {
          const client = server.connect();
          client.begin();
          const moves = new Moves();
          sendAll(client, moves, all, cut);
          client.send(ping("as is ok"));
          await client.next((seen) => isType(PING)(seen) && seen.payload.toString() === "as is ok");
          assert.ok(received(client) <= moves.windowBytes, "more than the window was sent");
          // Now all may leave.
          client.send(windowUpdate(0, 0x3fffffff));
          for (const id of moves.echoes.keys()) client.send(windowUpdate(id, 0x3fffffff));
          for (const [id, bytes] of moves.echoes) {
            const isLast = ({ streamId, type, flags }: { streamId: number; type: number; flags: number }) =>
              streamId === id && (type === frameTypes.RST_STREAM || (type === HEADERS && (flags & 1) !== 0));
            const last = await client.next(isLast);
            const answer = Buffer.concat(
              client.frames.filter(isType(DATA, id)).map(({ payload }) => payload),
            );
            // A stream beyond the limit is refused whole.
            if (last.type === HEADERS) assert.ok(answer.subarray(5).equals(bytes), `stream ${id}`);
            else assert.equal(last.payload.readUInt32BE(0), 7);
          }
          assert.deepEqual(client.frames.filter(isType(GOAWAY)), []);
          client.socket.destroy();
          frames += moves.counts.frames;
          await othersAreServed();
        },
      ),
      runs(30),
    );
  }).timeout(propertyMs);

  /** One connection that ends in a GOAWAY. */
  const outlive = async (all: readonly Move[], cut: number) => {
    const client = server.connect();
    client.begin();
    const moves = new Moves();
    sendAll(client, moves, all, cut);
    // Whatever frame it waits for is whole with these, and the next, DATA on no stream, is wrong.
    client.send(ping("01234567"), Buffer.alloc(20_000));
    await client.next(isType(GOAWAY));
    await client.closed();
    frames += moves.counts.frames;
  };

  it("outlives a client that does whatever it likes: its connection goes on, or ends in a GOAWAY", async () => {
    await fc.assert(
      fc.asyncProperty(anyMoves, cuts, async (all, cut) => {
        await outlive(all, cut);
        await othersAreServed();
      }),
      runs(60),
    );
  }).timeout(propertyMs);

  it("keeps nothing of connections that are over", async () => {
    const { numRuns, seed } = runs(40);
    const samples = fc.sample(anyMoves, {
      numRuns: Math.min(numRuns, 500),
      ...(seed !== undefined && { seed }),
    });
    const heapBytes: number[] = [];
    for (let round = 0; round < 3; round++) {
      for (const all of samples) await outlive(all, 0);
      await othersAreServed();
      heapBytes.push(await heapOnceSettled());
    }
    const [, warm = 0, last = 0] = heapBytes;
    assert.ok(last - warm < heapGrowthMost, `the heap grew: ${heapBytes.join(", ")}`);
  }).timeout(propertyMs);
});
