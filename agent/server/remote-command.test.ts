import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { deferred } from "../../base/deferred.ts";
import { systemClock } from "../../base/os/clock.ts";
import { channelProtocols, chooseProtocol, decodeFrame, encodeFrame } from "./channel-protocol.ts";
import { refuseSession, serveSession } from "./remote-command.ts";

/** Serves one session at a time, as the agent does. */
describe("remote command over WebSocket", () => {
  let server: Server;
  let sockets: WebSocketServer;
  let serve: (socket: WebSocket, protocol: NonNullable<ReturnType<typeof chooseProtocol>>) => void;
  beforeEach(async () => {
    server = createServer();
    sockets = new WebSocketServer({
      noServer: true,
      handleProtocols: (_, request) =>
        chooseProtocol(request.headers["sec-websocket-protocol"])?.name || false,
    });
    server.on("upgrade", (request, socket, head) => {
      const protocol = chooseProtocol(request.headers["sec-websocket-protocol"]);
      assert.ok(protocol);
      sockets.handleUpgrade(request, socket, head, (client) => serve(client, protocol));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  afterEach(() => {
    for (const client of sockets.clients) client.terminate();
    server.closeAllConnections();
    server.close();
  });
  const connect = (name: string) =>
    new WebSocket(
      `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
      name === "" ? [] : [name, "unknown.k8s.io"],
    );

  /** A process that says "out" and "err", repeats its input, and ends with a code when that ends. */
  function process(exitCode: number) {
    const stdin = new PassThrough();
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const exited = deferred<number>();
    stdout.write("out");
    stderr.end("err");
    stdin.on("data", (data) => stdout.write(data));
    stdin.on("end", () => {
      exited.resolve(exitCode);
      stdout.end();
    });
    return {
      stdin,
      stdout,
      stderr,
      resize: () => undefined,
      exited: exited.promise,
      kill: () => stdin.end(),
    };
  }

  for (const protocol of channelProtocols)
    it(`speaks ${protocol.name || "to clients that name no subprotocol"}`, async () => {
      const session = process(3);
      serve = (socket) =>
        void serveSession({ socket, protocol }, session, { stdout: true, stderr: true }, systemClock);
      const client = connect(protocol.name);
      const heard = new Map<number, string>();
      const closed = once(client, "close");
      client.on("message", (data: Buffer, isBinary) => {
        assert.equal(isBinary, !protocol.isBase64);
        const frame = decodeFrame(protocol, data);
        assert.ok(frame);
        heard.set(frame.from, `${heard.get(frame.from) ?? ""}${frame.bytes}`);
        if (frame.from === 1 && heard.get(1) === "outhello")
          if (protocol.hasClose) client.send(Buffer.of(255, 0));
          else session.stdin.end();
      });
      await once(client, "open");
      assert.equal(client.protocol, protocol.name);
      client.send(encodeFrame(protocol, 0, Buffer.from("hello")));
      await closed;
      assert.deepEqual([heard.get(1), heard.get(2)], ["outhello", "err"]);
      const text = "command terminated with non-zero exit code: exit status 3";
      if (protocol.hasStatus) assert.equal(JSON.parse(heard.get(3) ?? "").message, text);
      else assert.equal(heard.get(3), text);
    });

  it("says Success only to clients that read a Status", async () => {
    for (const [name, expected] of [
      ["v4.channel.k8s.io", '{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}'],
      ["channel.k8s.io", undefined],
    ] as const) {
      const session = process(0);
      serve = (socket, protocol) => {
        void serveSession({ socket, protocol }, session, { stdout: true, stderr: false }, systemClock);
        session.stdin.end();
      };
      const client = connect(name);
      const errors: string[] = [];
      const channels = new Set<number | undefined>();
      client.on("message", (data: Buffer) => {
        channels.add(data[0]);
        if (data[0] === 3) errors.push(String(data.subarray(1)));
      });
      await once(client, "close");
      assert.deepEqual(errors, expected === undefined ? [] : [expected]);
      assert.equal(channels.has(2), false, "nothing on a channel that was not asked for");
    }
  });

  it("never lets the closing status overtake output, however slow the client", async () => {
    const session = process(0);
    const bytes = 8 * 1024 * 1024;
    serve = (socket, protocol) => {
      void serveSession({ socket, protocol }, session, { stdout: true, stderr: true }, systemClock);
      // The process is gone long before its output is.
      session.stdin.end(Buffer.alloc(bytes, "x"));
    };
    const client = connect("v5.channel.k8s.io");
    let heard = 0;
    let status: string | undefined;
    client.on("message", (data: Buffer) => {
      if (data[0] === 1) {
        assert.equal(status, undefined, "output after the status");
        heard += data.length - 1;
        client.pause();
        setImmediate(() => client.resume());
      }
      if (data[0] === 3) status = String(data.subarray(1));
    });
    await once(client, "close");
    assert.equal(heard, bytes + "out".length);
    assert.match(status ?? "", /"Success"/);
  });

  it("tells why there is no session, in the client's own protocol", async () => {
    for (const [name, expected] of [
      ["v5.channel.k8s.io", /^{.*"message":"Internal error occurred: no such container"/],
      ["base64.channel.k8s.io", /^Internal error occurred: no such container$/],
    ] as const) {
      serve = (socket, protocol) => refuseSession({ socket, protocol }, "no such container");
      const client = connect(name);
      const [data] = await once(client, "message");
      const protocol = chooseProtocol(name);
      assert.ok(protocol);
      const frame = decodeFrame(protocol, data);
      assert.equal(frame?.from, 3);
      assert.match(String(frame?.bytes), expected);
    }
  });
});

describe("channel frames", () => {
  it("that are none are left alone", () => {
    const base64 = chooseProtocol("base64.channel.k8s.io");
    assert.ok(base64);
    for (const text of ["", "x", "0%%%", "0aGk=x"])
      assert.equal(decodeFrame(base64, Buffer.from(text)), undefined, text);
    assert.equal(String(decodeFrame(base64, Buffer.from("0aGk="))?.bytes), "hi");
  });
  it("are of the first protocol that the client names and we know", () => {
    assert.equal(chooseProtocol("x, v4.channel.k8s.io, v5.channel.k8s.io")?.name, "v4.channel.k8s.io");
    assert.equal(chooseProtocol(undefined)?.name, "");
    assert.equal(chooseProtocol("x"), undefined);
  });
});
