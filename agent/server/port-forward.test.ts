import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../base/os/clock.ts";
import { silentLog } from "../../base/os/log.ts";
import { choosePortProtocol, portsOf, servePortChannels } from "./port-channels.ts";
import { type PortForward, servePortForward } from "./port-forward.ts";
import { spdyPair } from "./testing/spdy-client.ts";

/** A pod that repeats in capitals what it hears, and says `bye` once it has heard all. */
describe("forwarding ports", () => {
  let pod: Server;
  let forward: PortForward;
  const inside: Socket[] = [];
  const toldPorts: number[] = [];
  beforeEach(async () => {
    inside.length = 0;
    toldPorts.length = 0;
    pod = createServer({ allowHalfOpen: true }, (socket) => {
      inside.push(socket);
      socket.on("error", () => socket.destroy());
      socket.on("data", (data) => socket.write(String(data).toUpperCase()));
      socket.on("end", () => socket.end("bye"));
    });
    await once(pod.listen(0, "127.0.0.1"), "listening");
    forward = {
      sandboxId: "s1",
      clock: systemClock,
      log: silentLog,
      connect: async (port): Promise<Duplex> => {
        toldPorts.push(port);
        if (port === 81) throw new Error("connection refused");
        const socket = connect({
          port: (pod.address() as AddressInfo).port,
          host: "127.0.0.1",
          allowHalfOpen: true,
        });
        await once(socket, "connect");
        return socket;
      },
    };
  });
  afterEach(() => {
    for (const socket of inside) socket.destroy();
    pod.close();
  });
  const pair = (port: number, request?: string) => {
    const named = { port: String(port), ...(request !== undefined && { requestid: request }) };
    return [
      { ...named, streamtype: "error" },
      { ...named, streamtype: "data" },
    ] as const;
  };
  const opened = async () => {
    const { near, client } = await spdyPair();
    servePortForward(near, forward);
    return client;
  };

  it("carries many connections over SPDY, each of which ends one direction at a time", async () => {
    const client = await opened();
    for (let n = 0; n < 50; n++) {
      const [error, data] = pair(80, String(n));
      client.open(n * 4 + 1, error);
      client.say(n * 4 + 1, "", true);
      client.open(n * 4 + 3, data);
      client.say(n * 4 + 3, `hello ${n}`, true);
    }
    for (let n = 0; n < 50; n++) {
      await client.until(() => client.hasEnded(n * 4 + 1) && client.hasEnded(n * 4 + 3));
      assert.deepEqual([client.said(n * 4 + 3), client.said(n * 4 + 1)], [`HELLO ${n}bye`, ""]);
    }
    client.socket.destroy();
  });

  it("serves clients that name no request, and says in the kubelet's words what is wrong with a port", async () => {
    const client = await opened();
    const [error, data] = pair(81);
    client.open(1, error);
    client.open(3, data);
    await client.until(() => client.hasEnded(1) && client.resetOf(3) !== undefined);
    assert.equal(client.said(1), "error forwarding port 81 to pod s1, uid : connection refused");
    client.socket.destroy();
  });

  it("refuses streams without a port or a type, and a third one of a pair", async () => {
    const client = await opened();
    const bad = [
      {},
      { port: "80" },
      { port: "0", streamtype: "data" },
      { port: "65536", streamtype: "data" },
    ];
    for (const [at, headers] of [
      ...bad,
      { port: "-1", streamtype: "error" },
      { port: "80", streamtype: "x" },
    ].entries()) {
      client.open(at * 2 + 1, headers as Record<string, string>);
      await client.until(() => client.resetOf(at * 2 + 1) === 3);
    }
    client.open(101, pair(80, "r")[0]);
    client.open(103, pair(80, "r")[0]);
    await client.until(() => client.resetOf(103) === 3);
    assert.match(client.said(101), /^error processing stream for request r: error stream already assigned$/);
    assert.deepEqual(toldPorts, []);
    client.socket.destroy();
  });

  it("closes the connection inside when the client resets its stream, or goes", async () => {
    for (const way of ["reset", "gone"]) {
      const client = await opened();
      const [error, data] = pair(80, "r");
      client.open(1, error);
      client.open(3, data);
      client.say(3, "hello");
      await client.until(() => client.said(3) === "HELLO");
      const closed = once(inside.at(-1) as Socket, "close");
      if (way === "reset") client.reset(3);
      else client.socket.destroy();
      await closed;
      if (way === "reset") await client.until(() => client.hasEnded(1));
      client.socket.destroy();
    }
  });

  it("lets a connection that nobody reads hold back its own source", async () => {
    const client = await opened();
    const [error, data] = pair(80, "r");
    client.open(1, error);
    client.open(3, data);
    client.say(3, "x");
    await client.until(() => client.said(3) === "X");
    client.socket.pause();
    const [socket] = inside;
    assert.ok(socket);
    const piece = Buffer.alloc(1024 * 1024);
    while (socket.writableLength < 64 * 1024 * 1024) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(socket.bytesWritten - socket.writableLength < 32 * 1024 * 1024);
    client.socket.destroy();
  });

  it("carries a connection to each named port in channels of a WebSocket", async () => {
    for (const name of ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"]) {
      const protocol = choosePortProtocol(name);
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => name });
      await once(server, "listening");
      server.on("connection", (socket) => servePortChannels({ socket, protocol }, [80, 81], forward));
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [name]);
      const said = new Map<number, Buffer>();
      const heard = new Promise<void>((resolve) =>
        socket.on("message", (raw: Buffer) => {
          const from = protocol.isBase64 ? Number(String(raw)[0]) : (raw[0] ?? 0);
          const bytes = protocol.isBase64 ? Buffer.from(String(raw).slice(1), "base64") : raw.subarray(1);
          said.set(from, Buffer.concat([said.get(from) ?? Buffer.alloc(0), bytes]));
          if (said.get(0)?.toString("latin1") === "P\0HELLO" && (said.get(3)?.length ?? 0) > 2) resolve();
        }),
      );
      await once(socket, "open");
      socket.send(protocol.isBase64 ? `0${Buffer.from("hello").toString("base64")}` : Buffer.from("\0hello"));
      await heard;
      assert.equal(
        said.get(3)?.toString("latin1"),
        "Q\0error forwarding port 81 to pod s1, uid : connection refused",
      );
      const closed = once(inside.at(-1) as Socket, "close");
      socket.close();
      await closed;
      server.close();
    }
  });

  it("ends the WebSocket of channels once the pods' sides have ended", async () => {
    const name = "v4.channel.k8s.io";
    const protocol = choosePortProtocol(name);
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => name });
    await once(server, "listening");
    server.on("connection", (socket) => servePortChannels({ socket, protocol }, [80], forward));
    const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [name]);
    const said: Buffer[] = [];
    socket.on("message", (raw: Buffer) => {
      if (raw[0] === 0) said.push(raw.subarray(1));
    });
    await once(socket, "open");
    const before = inside.length;
    socket.send(Buffer.from("\0hello"));
    while (inside.length === before && said.length < 2) await once(socket, "message");
    // As a server of HTTP/1.0 does once it has answered.
    inside.at(-1)?.end(" and goodbye");
    const [code] = (await once(socket, "close")) as [number];
    assert.equal(code, 1000);
    assert.match(Buffer.concat(said).toString("latin1"), /and goodbye$/);
    server.close();
  });

  it("reads ports in the kubelet's words", () => {
    const binary = choosePortProtocol("v4.channel.k8s.io");
    assert.deepEqual(portsOf(["80,90", "100"], binary), [80, 90, 100]);
    for (const [values, missing] of [
      [[], 'query parameter "port" is required'],
      [[""], 'query parameter "port" cannot be empty'],
      [["abc"], 'unable to parse "abc" as a port: strconv.ParseUint: parsing "abc": invalid syntax'],
      [["-1"], 'unable to parse "-1" as a port: strconv.ParseUint: parsing "-1": invalid syntax'],
      [
        ["65536"],
        'unable to parse "65536" as a port: strconv.ParseUint: parsing "65536": value out of range',
      ],
      [["0"], 'port "0" must be > 0'],
    ] as const)
      assert.deepEqual(portsOf(values, binary), { code: 400, missing });
  });
});
