import { strict as assert } from "node:assert";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type AddressInfo, createServer, type Server } from "node:net";
import * as grpc from "@grpc/grpc-js";
import { systemClock } from "../os/clock.ts";
import { silentLog } from "../os/log.ts";
import { WireError } from "../wire.ts";
import { StatusError } from "./status.ts";
import { type UnaryHandler, UnaryServer } from "./unary-server.ts";

const same = (bytes: Buffer) => bytes;

describe("a server of calls of one request and one answer", () => {
  let server: UnaryServer;
  let listener: Server;
  let client: grpc.Client;
  let port: number;
  beforeEach(async () => {
    const refuse = (error: Error) => async () => {
      throw error;
    };
    server = new UnaryServer({
      handlers: new Map<string, UnaryHandler>([
        ["/s.S/Echo", async (request: Uint8Array) => Buffer.concat([Buffer.from("> "), request])],
        ["/s.S/Large", async () => Buffer.alloc(300_000, "x")],
        ["/s.S/Refused", refuse(new StatusError("NOT_FOUND", "no such thing: ü"))],
        ["/s.S/Unread", refuse(new WireError("cut off"))],
        ["/s.S/Broken", refuse(new Error("a secret"))],
        ["/s.S/Never", () => new Promise<Uint8Array>(() => undefined)],
      ]),
      requestBytesMost: 1000,
      clock: systemClock,
      log: silentLog,
    });
    listener = createServer((socket) => {
      socket.on("error", () => undefined);
      server.accept(socket);
    }).listen(0, "127.0.0.1");
    await once(listener, "listening");
    port = (listener.address() as AddressInfo).port;
    client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  });
  afterEach(async () => {
    client.close();
    await server.stop();
    listener.close();
  });
  const ask = (call: string, request = Buffer.from("hello"), options: grpc.CallOptions = {}) =>
    new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(`/s.S/${call}`, same, same, request, options, (error, value) =>
        error === null && value !== undefined ? resolve(value) : reject(error),
      ),
    );

  it("answers, with what a client's windows let through and with more", async () => {
    assert.equal(String(await ask("Echo")), "> hello");
    assert.equal((await ask("Large")).length, 300_000);
    const many = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask("Echo", Buffer.from(`${index}`))),
    );
    assert.deepEqual(
      many.map(String),
      Array.from({ length: 100 }, (_, index) => `> ${index}`),
    );
  });

  it("refuses with the status of its handler, and tells nobody of what it did not expect", async () => {
    await assert.rejects(ask("Refused"), { code: grpc.status.NOT_FOUND, details: "no such thing: ü" });
    await assert.rejects(ask("Unread"), {
      code: grpc.status.INTERNAL,
      details: "grpc: error unmarshalling request: cut off",
    });
    await assert.rejects(ask("Broken"), { code: grpc.status.INTERNAL, details: "the call failed" });
    await assert.rejects(ask("Nobody"), { code: grpc.status.UNIMPLEMENTED });
  });

  it("refuses a request that is too long, and goes on", async () => {
    await assert.rejects(ask("Echo", Buffer.alloc(1001)), { code: grpc.status.RESOURCE_EXHAUSTED });
    assert.equal(String(await ask("Echo")), "> hello");
  });

  it("leaves a deadline to its client", async () => {
    await assert.rejects(ask("Never", Buffer.alloc(0), { deadline: Date.now() + 100 }), {
      code: grpc.status.DEADLINE_EXCEEDED,
    });
    assert.equal(String(await ask("Echo")), "> hello");
  });

  describe("that is spoken to by hand", () => {
    let session: ClientHttp2Session;
    beforeEach(() => {
      session = connect(`http://127.0.0.1:${port}`);
    });
    afterEach(() => session.destroy());
    const answerTo = async (headers: Record<string, string>, body: Buffer) => {
      const stream = session.request({ ":method": "POST", ":path": "/s.S/Echo", te: "trailers", ...headers });
      let told: Record<string, unknown> = {};
      for (const event of ["response", "trailers"])
        stream.on(event, (more: Record<string, unknown>) => {
          told = { ...told, ...more };
        });
      stream.end(body);
      stream.resume();
      await once(stream, "close");
      return told;
    };
    const isGrpc = { "content-type": "application/grpc" };

    it("refuses what is not gRPC", async () => {
      assert.equal((await answerTo({ "content-type": "text/plain" }, Buffer.alloc(0)))[":status"], 415);
    });

    it("refuses a request without a message, with half a one and with two", async () => {
      const one = Buffer.from([0, 0, 0, 0, 1, 65]);
      for (const body of [Buffer.alloc(0), one.subarray(0, 3), Buffer.concat([one, one])])
        assert.equal((await answerTo(isGrpc, body))["grpc-status"], "13");
      assert.equal((await answerTo(isGrpc, one))["grpc-status"], "0");
      const packed = await answerTo({ ...isGrpc, "grpc-encoding": "snappy" }, one);
      assert.equal(packed["grpc-status"], "12");
    });
  });
});
