import assert from "node:assert/strict";
import { type ClientHttp2Session, connect } from "node:http2";
import { gzipSync } from "node:zlib";
import * as grpc from "@grpc/grpc-js";
import { frame, frameTypes } from "../../../base/http2/frames.ts";
import {
  call,
  grpcData,
  isType,
  RawClient,
  request,
  windowUpdate,
} from "../../../base/http2/testing/raw-client.ts";
import { StoreError } from "../../errors.ts";
import type { Incoming, Outgoing, StreamHandler } from "../../rpc/handler.ts";
import { type Served, serve } from "../fixtures/serve.ts";
import { http2Limits } from "../http2-limits.ts";

const { DATA, HEADERS, RST_STREAM } = frameTypes;
const same = (bytes: Buffer) => bytes;
const incoming = (parts: Partial<Incoming>): Incoming => ({
  message: () => undefined,
  halfClose: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
  ...parts,
});

/** A call of Node's own client, which refuses header blocks that do not keep to its table. */
const statusOf = (session: ClientHttp2Session) =>
  new Promise<unknown>((resolve, reject) => {
    const headers = { "content-type": "application/grpc", te: "trailers" };
    const asked = session.request({ ":method": "POST", ":path": "/test.Test/Echo", ...headers });
    asked.on("error", reject);
    asked.on("trailers", (trailers) => resolve(trailers["grpc-status"]));
    asked.resume();
    asked.end(Buffer.alloc(5));
  });

describe("gRPC", () => {
  let served: Served;
  let client: grpc.Client;
  let stream: StreamHandler = () => incoming({});
  before(async () => {
    served = await serve({
      maxRequestBytes: 2_000_000,
      unary: {
        "/test.Test/Echo": (bytes) => bytes,
        "/test.Test/Later": async (bytes) => bytes,
        "/test.Test/Refuse": () => {
          throw new StoreError("EMPTY_KEY");
        },
        "/test.Test/Fail": async () => {
          throw new Error("100% wrong: ä\n");
        },
        "/test.Test/Blank": () => {
          throw new Error(" a space at each end ");
        },
      },
      streams: { "/test.Test/Stream": (out, context) => stream(out, context) },
    });
    client = new grpc.Client(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
  });
  after(async () => {
    client.close();
    await served.stop();
  });

  const unary = (method: string, bytes: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(`/test.Test/${method}`, same, same, bytes, (error, answer) =>
        error === null ? resolve(answer as Buffer) : reject(error),
      );
    });
  const duplex = () => client.makeBidiStreamRequest("/test.Test/Stream", same, same);

  it("carries requests and answers of any size that is allowed", async () => {
    for (const size of [0, 1, 4_091, 4_092, 16_384, 70_000, 2_000_000]) {
      const bytes = Buffer.alloc(size, size % 251);
      assert.ok(bytes.equals(await unary("Echo", bytes)), `${size} bytes`);
      assert.ok(bytes.equals(await unary("Later", bytes)), `${size} bytes, later`);
    }
  });

  it("answers many calls of one connection at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, at) => unary(at % 2 === 0 ? "Echo" : "Later", Buffer.from(`${at}`))),
    );
    assert.deepEqual(
      answers.map(String),
      Array.from({ length: 500 }, (_, at) => `${at}`),
    );
  });

  const failures: readonly (readonly [method: string, code: number, details: string])[] = [
    ["Refuse", grpc.status.INVALID_ARGUMENT, "etcdserver: key is not provided"],
    ["Fail", grpc.status.UNKNOWN, "100% wrong: ä\n"],
    ["Blank", grpc.status.UNKNOWN, " a space at each end "],
    ["Absent", grpc.status.UNIMPLEMENTED, "unknown method Absent for service test.Test"],
  ];
  for (const [method, code, details] of failures)
    it(`carries a status and its words: ${details.trim()}`, async () => {
      await assert.rejects(unary(method, Buffer.from("x")), { code, details });
    });

  it("sends no words that begin or end with white space, which HTTP/2 forbids", async () => {
    const raw = new RawClient(served.port);
    raw.begin();
    raw.send(request(1, call("/test.Test/Blank"), { end: false }), grpcData(1, Buffer.from("x")));
    const headers = raw.headersOf(await raw.next(isType(HEADERS, 1)));
    assert.equal(headers["grpc-message"], "%20a space at each end%20");
    raw.socket.destroy();
  });

  for (const headerTableSize of [0, 60, 70, 4_096, 100_000])
    it(`answers clients whose tables of headers hold ${headerTableSize} bytes`, async () => {
      const session = connect(`http://127.0.0.1:${served.port}`, { settings: { headerTableSize } });
      for (let call = 0; call < 4; call++) assert.equal(await statusOf(session), "0");
      await new Promise<void>((resolve) => session.settings({ headerTableSize: 80 }, () => resolve()));
      for (let call = 0; call < 4; call++) assert.equal(await statusOf(session), "0");
      session.close();
    });

  it("refuses a request that is too large, by its size", async () => {
    await assert.rejects(unary("Echo", Buffer.alloc(3_000_000)), {
      code: grpc.status.RESOURCE_EXHAUSTED,
      details: "grpc: received message larger than max (3000000 vs. 2524288)",
    });
  });

  it("reads gzip, within the same limit, and refuses what it cannot read by name", async () => {
    const raw = new RawClient(served.port);
    raw.begin();
    const compressed = (streamId: number, bytes: Buffer) => {
      const data = grpcData(streamId, bytes);
      data[9] = 1;
      return data;
    };
    const headers = { ...call("/test.Test/Echo"), "grpc-encoding": "gzip" };
    raw.send(request(1, headers, { end: false }), compressed(1, gzipSync("hello")));
    assert.equal((await raw.next(isType(DATA, 1))).payload.subarray(5).toString(), "hello");
    raw.send(request(3, headers, { end: false }), compressed(3, gzipSync(Buffer.alloc(10_000_000))));
    assert.equal(raw.headersOf(await raw.next(isType(HEADERS, 3)))["grpc-status"], "8");
    raw.send(request(5, { ...headers, "grpc-encoding": "snappy" }, { end: false }));
    const refused = raw.headersOf(await raw.next(isType(HEADERS, 5)));
    assert.equal(refused["grpc-status"], "12");
    assert.equal(refused["grpc-message"], 'grpc: Decompressor is not installed for grpc-encoding "snappy"');
    raw.socket.destroy();
  });

  it("refuses, as etcd does, a client that nobody can read the API version of", async () => {
    const raw = new RawClient(served.port);
    raw.begin();
    const asked = async (streamId: number, method: string, version: Buffer) => {
      const headers = { ...call(`/test.Test/${method}`), "client-api-version": version.toString("latin1") };
      raw.send(request(streamId, headers, { end: false }), grpcData(streamId, Buffer.from("x")));
      const told = await raw.next(({ type, streamId: of }) => of === streamId && type !== RST_STREAM);
      return raw.headersOf(told)["grpc-message"];
    };
    const refused = "etcdserver: invalid client api version";
    stream = (out) => incoming({ message: () => out.end() });
    assert.equal(await asked(1, "Echo", Buffer.from("3.7")), undefined);
    assert.equal(await asked(3, "Echo", Buffer.from("3\u00e4")), undefined);
    assert.equal(await asked(5, "Echo", Buffer.from([0x33, 0xff])), refused);
    assert.equal(await asked(7, "Stream", Buffer.from([0x33, 0xff])), refused);
    assert.equal(
      await asked(9, "Absent", Buffer.from([0xff])),
      "unknown method Absent for service test.Test",
    );
    raw.socket.destroy();
  });

  it("serves no request whose message is not whole", async () => {
    const raw = new RawClient(served.port);
    raw.begin();
    raw.send(
      request(1, call("/test.Test/Echo"), { end: false }),
      frame(DATA, 1, 1, Buffer.from([0, 0, 0, 0, 9, 1])),
    );
    assert.equal(raw.headersOf(await raw.next(isType(HEADERS, 1)))["grpc-status"], "13");
    raw.send(request(3, call("/test.Test/Echo")));
    assert.equal(raw.headersOf(await raw.next(isType(HEADERS, 3)))["grpc-status"], "13");
    raw.socket.destroy();
  });

  it("goes on with a stream whose client has nothing more to ask", async () => {
    let out: Outgoing | undefined;
    const halfClosed = new Promise<void>((resolve) => {
      stream = (its) => {
        out = its;
        return incoming({ halfClose: resolve });
      };
    });
    const stub = duplex();
    const first = new Promise((resolve) => stub.once("data", resolve));
    stub.write(Buffer.from("q"));
    stub.end();
    await halfClosed;
    out?.send(Buffer.from("still here"));
    assert.equal(String(await first), "still here");
    const ended = new Promise((resolve) => stub.once("end", resolve));
    out?.end();
    await ended;
  });

  it("gives a service the next message when the one before is dealt with", async () => {
    const begun: string[] = [];
    const goOn: (() => void)[] = [];
    stream = (out) =>
      incoming({
        message: (bytes) => {
          begun.push(String(bytes));
          return new Promise((resolve) =>
            goOn.push(() => {
              out.send(bytes);
              resolve();
            }),
          );
        },
        halfClose: () => out.end(),
      });
    const stub = duplex();
    const got: string[] = [];
    stub.on("data", (bytes: Buffer) => {
      got.push(String(bytes));
      goOn.shift()?.();
    });
    const ended = new Promise((resolve) => stub.once("end", resolve));
    for (const text of ["a", "b", "c"]) stub.write(Buffer.from(text));
    stub.end();
    while (goOn.length === 0) await new Promise(setImmediate);
    assert.deepEqual(begun, ["a"]);
    goOn.shift()?.();
    const pump = setInterval(() => goOn.shift()?.(), 1);
    await ended;
    clearInterval(pump);
    assert.deepEqual(got, ["a", "b", "c"]);
  });

  it("reads no requests from a client that reads no answers", async () => {
    let taken = 0;
    stream = (out) =>
      incoming({
        message: (bytes) => {
          taken += 1;
          out.send(bytes);
        },
      });
    const raw = new RawClient(served.port);
    raw.begin(); // its window for our answers is never opened: 65,535 bytes
    raw.send(request(1, call("/test.Test/Stream"), { end: false }));
    const message = Buffer.alloc(1_000);
    const requests = Buffer.concat(Array.from({ length: 1_000 }, () => grpcData(1, message, false)));
    raw.send(requests);
    raw.send(frame(frameTypes.PING, 0, 0, Buffer.alloc(8)));
    await raw.next(isType(frameTypes.PING));
    // What was answered is bounded by the client's window and what may wait in the stream.
    assert.ok(taken < 150, `${taken} messages were taken`);
    // What was not read is not asked for: the rest of the window is all that may still come.
    assert.equal(raw.frames.filter(isType(frameTypes.WINDOW_UPDATE, 1)).length, 0);
    assert.ok(1_000 * (message.length + 5) < http2Limits.streamWindowBytes);
    raw.send(windowUpdate(0, 10_000_000), windowUpdate(1, 10_000_000));
    let got = 0;
    while (got < 1_000 * (message.length + 5)) got += (await raw.next(isType(DATA, 1))).payload.length;
    assert.equal(taken, 1_000);
    await raw.next(isType(frameTypes.WINDOW_UPDATE, 1));
    raw.socket.destroy();
  });

  it("tells a service once that its client is gone, however it went", async () => {
    for (const go of ["reset", "socket"] as const) {
      let closes = 0;
      const closed = new Promise<void>((resolve) => {
        stream = () =>
          incoming({
            closed: () => {
              closes += 1;
              resolve();
            },
          });
      });
      const raw = new RawClient(served.port);
      raw.begin();
      raw.send(request(1, call("/test.Test/Stream"), { end: false }), grpcData(1, Buffer.from("x"), false));
      if (go === "reset") raw.send(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, 8])));
      else raw.socket.end();
      await closed;
      raw.socket.destroy();
      await new Promise(setImmediate);
      assert.equal(closes, 1);
    }
  });

  it("ends a stream with the words of what went wrong in it", async () => {
    stream = () =>
      incoming({
        message: async () => {
          throw new StoreError("NO_LEADER");
        },
      });
    const stub = duplex();
    stub.write(Buffer.from("x"));
    const error = await new Promise<grpc.ServiceError>((resolve) => stub.once("error", resolve));
    assert.deepEqual([error.code, error.details], [grpc.status.UNAVAILABLE, "etcdserver: no leader"]);
  });
});
