import assert from "node:assert/strict";
import { must } from "../../base/assert.ts";
import type { Clock } from "../../base/os/clock.ts";
import { Prng } from "../../base/os/random.ts";
import type { Encodable } from "../../base/protobuf.ts";
import { utf8 } from "../../base/wire.ts";
import { type WatchRequest, type WatchResponse, watchRequest, watchResponse } from "../../proto/etcd.ts";
import { CallError } from "./call-error.ts";
import { type Endpoint, EndpointRing, parseEndpoint } from "./endpoints.ts";
import type { ClientStream, ClientTransport, StreamHandlers } from "./transport.ts";
import { WatchMux } from "./watch-mux.ts";

interface FakeStream {
  readonly endpoint: Endpoint;
  readonly handlers: StreamHandlers;
  readonly sent: WatchRequest[];
  cancelled: boolean;
}

class FakeTransport implements ClientTransport {
  readonly streams: FakeStream[] = [];
  unary(): Promise<Uint8Array> {
    throw new Error("watches only");
  }
  stream(endpoint: Endpoint, _path: string, _settings: object, handlers: StreamHandlers): ClientStream {
    const stream: FakeStream = { endpoint, handlers, sent: [], cancelled: false };
    this.streams.push(stream);
    return {
      send: (bytes) => void stream.sent.push(watchRequest.decode(bytes)),
      halfClose: () => undefined,
      cancel: () => {
        stream.cancelled = true;
      },
    };
  }
  close(): void {}
  get last(): FakeStream {
    return must(this.streams.at(-1), "a stream was opened");
  }
  answer(response: Encodable<WatchResponse>): void {
    this.last.handlers.message(watchResponse.encode(response));
  }
  created(id: number, revision: number): void {
    this.answer({ header: { revision }, watchId: BigInt(id), created: true });
  }
  events(id: number, revisions: readonly number[], fragment = false): void {
    const events = revisions.map((modRevision) => ({ kv: { key: utf8("k"), modRevision } }));
    this.answer({ header: { revision: revisions.at(-1) ?? 0 }, watchId: BigInt(id), events, fragment });
  }
}

/** Timers fire when told to. */
class HandClock implements Clock {
  readonly due: (() => void)[] = [];
  monotonicMs = () => 0;
  wallMs = () => 0;
  after(_delayMs: number, fire: () => void): () => void {
    this.due.push(fire);
    return () => void this.due.splice(this.due.indexOf(fire), 1);
  }
  fire(): void {
    for (const fire of this.due.splice(0)) fire();
  }
}

function setUp(events = 100, bytes = 1_000_000) {
  const transport = new FakeTransport();
  const clock = new HandClock();
  const ring = new EndpointRing([parseEndpoint("http://a:1"), parseEndpoint("http://b:1")]);
  const mux = new WatchMux({ transport, clock, ring, random: new Prng(1) }, { events, bytes });
  return { transport, clock, mux };
}

const startRevisions = (stream: FakeStream) =>
  stream.sent.flatMap((request) => (request.createRequest ? [request.createRequest.startRevision] : []));

describe("WatchMux", () => {
  it("continues each watch at another endpoint from its next revision", async () => {
    const { transport, clock, mux } = setUp();
    const seen = mux.watch({ key: utf8("a"), startRevision: 3 });
    mux.watch({ key: utf8("b") });
    mux.watch({ key: utf8("c") });
    transport.created(1, 9);
    transport.created(2, 9);
    transport.events(1, [4, 7]);
    assert.equal(transport.last.endpoint.address, "a:1");
    transport.last.handlers.end(new CallError("UNAVAILABLE", "gone"));
    clock.fire();
    assert.equal(transport.last.endpoint.address, "b:1");
    // seen up to 7; created at 9 and idle; never created, so still from now on
    assert.deepEqual(startRevisions(transport.last), [8, 10, 0]);
    transport.created(4, 9);
    transport.events(4, [7, 8]); // a repeat is dropped
    const kinds = [];
    for (let i = 0; i < 3; i++) kinds.push((await seen.next()).value);
    assert.deepEqual(
      kinds.map((batch) =>
        batch?.kind === "events" ? batch.events.map((event) => event.kv?.modRevision) : batch?.kind,
      ),
      ["created", [4, 7], [8]],
    );
  });

  it("tells of pieces what is whole, and after a reconnect goes on with the revision that was not", async () => {
    const { transport, clock, mux } = setUp();
    const watch = mux.watch({ key: utf8("a"), startRevision: 5, fragment: true });
    transport.created(1, 9);
    transport.events(1, [5, 6], true);
    transport.last.handlers.end(undefined);
    clock.fire();
    assert.deepEqual(startRevisions(transport.last), [6]);
    transport.created(2, 9);
    transport.events(2, [6], true);
    transport.events(2, [6, 7], false);
    await watch.next();
    const told = [];
    for (let n = 0; n < 2; n++) {
      const batch = (await watch.next()).value;
      if (batch?.kind === "events") told.push(batch.events.map((event) => event.kv?.modRevision));
    }
    assert.deepEqual(told, [[5], [6, 6, 7]]);
  });

  it("counts bytes, too, of what a consumer that is behind makes it hold", async () => {
    const { transport, mux } = setUp(100, 1);
    const slow = mux.watch({ key: utf8("slow"), startRevision: 1 });
    transport.created(1, 1);
    transport.events(1, [1, 2]);
    assert.equal(transport.last.sent.at(-1)?.cancelRequest?.watchId, 1n);
    for (let n = 0; n < 2; n++) await slow.next();
    assert.deepEqual(startRevisions(transport.last), [1, 3]);
  });

  it("takes a watch off the stream while its consumer is behind, and nobody else", async () => {
    const { transport, mux } = setUp(3);
    const slow = mux.watch({ key: utf8("slow"), startRevision: 1 });
    const quick = mux.watch({ key: utf8("quick"), startRevision: 1 });
    transport.created(1, 1);
    transport.created(2, 1);
    transport.events(1, [1, 2]);
    transport.events(1, [3, 4]);
    assert.equal(transport.last.sent.at(-1)?.cancelRequest?.watchId, 1n);
    transport.events(1, [5]); // under way when the cancel was sent
    transport.events(2, [5]);
    assert.equal((await quick.next()).value?.kind, "created");
    assert.equal((await quick.next()).value?.kind, "events");
    for (let i = 0; i < 3; i++) await slow.next();
    assert.equal(transport.last.sent.at(-1)?.createRequest?.startRevision, 5);
    transport.created(3, 5);
    transport.events(3, [5, 6]);
    const batch = (await slow.next()).value;
    assert.deepEqual(batch?.kind === "events" && batch.events.map((event) => event.kv?.modRevision), [5, 6]);
  });

  it("tells a refused create from others by its place, whatever id the refusal carries", async () => {
    const { transport, mux } = setUp();
    const refused = mux.watch({ key: utf8("refused") });
    const served = mux.watch({ key: utf8("served") });
    transport.answer({
      watchId: -1n,
      created: true,
      canceled: true,
      cancelReason: "etcdserver: permission denied",
    });
    transport.created(2, 4);
    await assert.rejects(refused.next(), { message: "etcdserver: permission denied" });
    assert.deepEqual((await served.next()).value, { kind: "created", revision: 4 });
  });

  it("gives progress for the whole stream to every watch, and continues after it", async () => {
    const { transport, clock, mux } = setUp();
    const watch = mux.watch({ key: utf8("a"), startRevision: 2 });
    transport.created(1, 2);
    transport.answer({ header: { revision: 40 }, watchId: -1n });
    await watch.next();
    assert.deepEqual((await watch.next()).value, { kind: "progress", revision: 40 });
    transport.last.handlers.end(undefined);
    clock.fire();
    assert.deepEqual(startRevisions(transport.last), [41]);
  });

  it("fails every watch when no endpoint would serve it, and drops the stream after the last watch", async () => {
    const { transport, clock, mux } = setUp();
    const watch = mux.watch({ key: utf8("a") });
    transport.last.handlers.end(new CallError("PERMISSION_DENIED", "no"));
    await assert.rejects(watch.next(), { status: "PERMISSION_DENIED" });
    assert.equal(clock.due.length, 0);
    const next = mux.watch({ key: utf8("a") });
    const waiting = next.next();
    next.close();
    assert.equal((await waiting).done, true);
    assert.equal(transport.last.cancelled, true);
  });
});
