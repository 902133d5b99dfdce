import assert from "node:assert/strict";
import { errorCodes, frame, frameTypes, uint32 } from "../../../base/http2/frames.ts";
import { call, grpcData, isType, RawClient, request } from "../../../base/http2/testing/raw-client.ts";
import { StoreError } from "../../errors.ts";
import type { Call, UnaryAnswer } from "../../rpc/handler.ts";
import { type Served, serve } from "../fixtures/serve.ts";
import { http2Limits } from "../http2-limits.ts";

const { DATA, HEADERS, RST_STREAM } = frameTypes;
const path = "/test.Test/Call";
const nothing = new Uint8Array(0);

describe("what a handler answers into", () => {
  let served: Served;
  let client: RawClient;
  let handle: (out: UnaryAnswer, context: Call) => void = () => undefined;
  let asked: () => void = () => undefined;
  before(async () => {
    const direct = {
      [path]: (_request: Uint8Array, context: Call, out: UnaryAnswer) => {
        try {
          handle(out, context);
        } finally {
          asked();
        }
      },
    };
    served = await serve({ direct });
  });
  beforeEach(() => {
    client = new RawClient(served.port);
    client.begin();
  });
  afterEach(() => client.socket.destroy());
  after(() => served.stop());

  const ask = (streamId: number) =>
    client.send(request(streamId, call(path), { end: false }), grpcData(streamId, nothing));
  const answer = async (streamId: number) =>
    (await client.next(isType(DATA, streamId))).payload.subarray(5).toString();
  const failure = async (streamId: number) =>
    client.headersOf(await client.next(isType(HEADERS, streamId)))["grpc-message"];
  /** The handler's sink, once it was called. */
  const sink = () =>
    new Promise<UnaryAnswer>((resolve) => {
      let given: UnaryAnswer | undefined;
      handle = (out) => {
        given = out;
      };
      asked = () => given !== undefined && resolve(given);
    });

  it("takes an answer or an error, at once or later", async () => {
    handle = (out) => out.succeed(Buffer.from("now"));
    ask(1);
    assert.equal(await answer(1), "now");
    handle = (out) => out.fail(new StoreError("EMPTY_KEY"));
    ask(3);
    assert.equal(await failure(3), "etcdserver: key is not provided");
    const first = sink();
    ask(5);
    (await first).succeed(Buffer.from("later"));
    assert.equal(await answer(5), "later");
    const second = sink();
    ask(7);
    (await second).fail(new StoreError("EMPTY_KEY"));
    assert.equal(await failure(7), "etcdserver: key is not provided");
  });

  it("fails with what the handler throws", async () => {
    handle = () => {
      throw new StoreError("EMPTY_KEY");
    };
    ask(1);
    assert.equal(await failure(1), "etcdserver: key is not provided");
  });

  it("takes one answer only: a second one is a fault of the handler", async () => {
    for (const first of ["succeed", "fail"] as const) {
      const given = sink();
      const streamId = first === "succeed" ? 1 : 3;
      ask(streamId);
      const out = await given;
      if (first === "succeed") out.succeed(nothing);
      else out.fail(new Error("no"));
      assert.throws(() => out.succeed(nothing), /answered twice/);
      assert.throws(() => out.fail(new Error("no")), /answered twice/);
    }
  });

  it("takes the answer for a client that gave the call up, which then counts no more", async () => {
    const held: UnaryAnswer[] = [];
    handle = (out) => held.push(out);
    const all = new Promise<void>((resolve) => {
      asked = () => held.length === http2Limits.streamsMost && resolve();
    });
    let id = 1;
    for (; id < 2 * http2Limits.streamsMost; id += 2) {
      ask(id);
      client.send(frame(RST_STREAM, 0, id, uint32(errorCodes.CANCEL)));
    }
    await all;
    asked = () => undefined;
    ask(id);
    const refused = await client.next(isType(RST_STREAM, id));
    assert.equal(refused.payload.readUInt32BE(0), errorCodes.REFUSED_STREAM);
    for (const [at, out] of held.entries())
      if (at % 2 === 0) out.succeed(nothing);
      else out.fail(new StoreError("EMPTY_KEY"));
    handle = (out) => out.succeed(Buffer.from("again"));
    ask(id + 2);
    assert.equal(await answer(id + 2), "again");
    assert.ok(client.frames.filter(isType(HEADERS)).every(({ streamId }) => streamId === id + 2));
  });

  it("takes the answer to a call whose deadline has passed, which its client is told of once", async () => {
    const given = sink();
    const headers = { ...call(path), "grpc-timeout": "1n" };
    client.send(request(1, headers, { end: false }), grpcData(1, nothing));
    const out = await given;
    const ended = client.headersOf(await client.next(isType(HEADERS, 1)));
    assert.equal(ended["grpc-status"], "4");
    out.succeed(Buffer.from("late"));
    assert.throws(() => out.succeed(nothing), /answered twice/);
    handle = (again) => again.succeed(Buffer.from("next"));
    ask(3);
    assert.equal(await answer(3), "next");
    assert.ok(client.frames.every(({ streamId }) => streamId !== 1));
  });

  it("tells who works on a call that its client gave it up", async () => {
    const aborted = new Promise<void>((resolve) => {
      handle = (out, { signal }) =>
        signal?.addEventListener("abort", () => {
          out.fail(signal.reason);
          resolve();
        });
    });
    ask(1);
    client.send(frame(RST_STREAM, 0, 1, uint32(errorCodes.CANCEL)));
    await aborted;
  });
});
