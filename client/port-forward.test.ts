import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, createServer as createPort, type Server as Port } from "node:net";
import { text } from "node:stream/consumers";
import { WebSocketServer } from "ws";
import { choosePortProtocol, portsOf, servePortChannels } from "../agent/server/port-channels.ts";
import { systemClock } from "../base/os/clock.ts";
import { silentLog } from "../base/os/log.ts";
import { RestClient } from "./rest.ts";

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
const pod = { name: "web", namespace: "shop" };

/** A node's server of port forwarding, as an API server would lead to it, with a port that says back what it hears. */
describe("client/port-forward", () => {
  let echo: Port;
  let server: Server;
  let client: RestClient;
  let sockets: WebSocketServer;
  let asked: string[];

  beforeEach(async () => {
    asked = [];
    echo = createPort((socket) => socket.pipe(socket));
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    sockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v4.channel.k8s.io" });
    server = createServer().on("upgrade", (request, socket, head) => {
      asked.push(request.url ?? "");
      const { pathname, searchParams } = new URL(request.url ?? "", "http://node");
      if (!pathname.includes("/web/")) {
        socket.end(
          'HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n{"kind":"Status","reason":"NotFound","code":404}',
        );
        return;
      }
      sockets.handleUpgrade(request, socket, head, (opened) => {
        const protocol = choosePortProtocol("v4.channel.k8s.io");
        const ports = portsOf(searchParams.getAll("ports"), protocol);
        assert.ok(Array.isArray(ports));
        servePortChannels({ socket: opened, protocol }, ports as number[], {
          sandboxId: "s",
          clock: systemClock,
          log: silentLog,
          connect: async (port) => {
            if (port !== 80) throw new Error(`connection to port ${port} refused`);
            const to = connect({ port: portOf(echo), host: "127.0.0.1" });
            await once(to, "connect");
            return to;
          },
        });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    client = new RestClient({ servers: [`http://127.0.0.1:${portOf(server)}`], namespace: "default" });
  });

  afterEach(async () => {
    client.close();
    server.closeAllConnections();
    server.close();
    echo.close();
  });

  it("carries bytes both ways, however many", async () => {
    const stream = await client.portForward(pod, 80);
    assert.deepEqual(asked, ["/api/v1/namespaces/shop/pods/web/portforward?ports=80"]);
    const sent = Buffer.alloc(3_000_000, "pod");
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      stream.on("data", (bytes: Buffer) => {
        assert.ok(bytes.equals(sent.subarray(heard, heard + bytes.length)));
        heard += bytes.length;
        if (heard === sent.length) resolve();
      });
    });
    stream.write(sent);
    await all;
    stream.destroy();
  });

  it("ends when the connection does", async () => {
    const stream = await client.portForward(pod, 80);
    stream.write("hello");
    await once(stream, "readable");
    for (const socket of sockets.clients) socket.close();
    assert.equal(await text(stream), "hello");
  });

  it("says why a port does not answer, and why the server refuses", async () => {
    const stream = await client.portForward(pod, 81);
    await assert.rejects(once(stream, "end"), /port 81: .*port 81 refused/);
    await assert.rejects(client.portForward({ ...pod, name: "none" }, 80), { code: 404, reason: "NotFound" });
    await assert.rejects(client.portForward(pod, 70_000), /70000 is no port/);
  });

  it("is destroyed with the signal's reason", async () => {
    const end = new AbortController();
    const stream = await client.portForward(pod, 80, end.signal);
    const closed = assert.rejects(once(stream, "end"), /enough/);
    end.abort(new Error("enough"));
    await closed;
    await assert.rejects(client.portForward(pod, 80, end.signal), /enough/);
  });
});
