import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { silentLog } from "../../base/os/log.ts";
import { TlsFolder } from "../testing/tls-folder.ts";
import { type BindOptions, BoundServer } from "./bound-server.ts";

describe("a listening socket", () => {
  const servers: BoundServer[] = [];
  const clients: Socket[] = [];
  let files: TlsFolder | undefined;
  const bind = async (options: Partial<BindOptions> = {}) => {
    const server = await BoundServer.bind(
      { host: "127.0.0.1", port: 0, flag: "listen", ...options },
      silentLog,
    );
    servers.push(server);
    return server;
  };
  const open = (server: BoundServer) => {
    const client = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    client.on("error", () => undefined).on("end", () => client.end());
    clients.push(client.resume());
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    for (const server of servers.splice(0)) await server.stop();
    await files?.remove();
  });

  it("that refuses closes also connections that are being shut down, which cannot be reset", async () => {
    const server = await bind();
    const closed: Promise<unknown>[] = [];
    server.serve((socket) => {
      closed.push(once(socket, "close"));
      socket.end();
      server.refuse();
    });
    await once(open(server), "close");
    assert.equal(closed.length, 1);
    await Promise.all(closed);
  });

  it("closes connections beyond its number, and serves others once one has gone", async () => {
    const server = await bind({ connections: 2 });
    const served: Socket[] = [];
    let onServed: () => void = () => undefined;
    server.serve((socket) => {
      served.push(socket);
      onServed();
    });
    const speaking = async () => {
      const heard = new Promise<void>((resolve) => {
        onServed = () => served.at(-1)?.once("data", () => resolve());
      });
      const client = open(server);
      client.write("GET ");
      await heard;
      return client;
    };
    const [first, second, third] = [await speaking(), await speaking(), open(server)];
    await Promise.race([first, second, third].map((client) => once(client, "close")));
    assert.equal(served.length, 2);
    const left = served.map((socket) => once(socket.on("error", () => undefined).resume(), "close"));
    for (const client of [first, second, third]) client.destroy();
    await Promise.all(left);
    const again = new Promise<void>((resolve) => {
      onServed = resolve;
    });
    open(server);
    await again;
  });

  it("lets clients in though others that say nothing hold all connections there may be", async () => {
    const server = await bind({ connections: 3 });
    let onServed: (socket: Socket) => void = () => undefined;
    server.serve((socket) => {
      socket.on("error", () => undefined);
      onServed(socket);
    });
    const served = () =>
      new Promise<Socket>((resolve) => {
        onServed = resolve;
      });
    let serving = served();
    const talking = open(server);
    talking.write("GET ");
    await once((await serving).resume(), "data");
    for (let n = 0; n < 2; n++) {
      serving = served();
      open(server);
      await serving;
    }
    serving = served();
    await once(open(server).resume(), "close"); // one too many
    open(server);
    await serving;
    assert.equal(talking.destroyed, false);
  });

  it("has the system ask whether a silent client is there", async () => {
    const server = await bind();
    const served = new Promise<Socket>((resolve) => server.serve(resolve));
    open(server);
    const { localPort = 0, remotePort = 0 } = await served;
    const port = (number: number) => `:${number.toString(16).toUpperCase().padStart(4, "0")}`;
    // local remote state queues timer:…; timer 2 is that of keep-alive
    const line = new RegExp(`${port(localPort)} \\w+${port(remotePort)} \\w+ \\w+:\\w+ 02:`);
    assert.match(readFileSync("/proc/net/tcp", "latin1"), line);
  });

  it("agrees to no second TLS handshake within a connection", async () => {
    files = await TlsFolder.make();
    const server = await bind({ tls: files.portTls() });
    server.serve((socket) => socket.on("error", () => undefined).resume());
    const client = connectTls({
      host: "127.0.0.1",
      port: server.port,
      ca: files.authority.certificatePem,
      maxVersion: "TLSv1.2",
      ALPNProtocols: ["h2"],
    });
    clients.push(client);
    await once(client, "secureConnect");
    const failed = once(client, "error");
    client.renegotiate({}, () => undefined);
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ERR_SSL_NO_RENEGOTIATION");
  });

  it("takes connections with TLS and without at one address where it is to", async () => {
    files = await TlsFolder.make();
    const server = await bind({ tls: files.portTls(), alsoPlain: true });
    server.serve((socket) =>
      socket
        .on("error", () => undefined)
        .on("readable", () => {
          const said: Buffer | null = socket.read();
          if (said !== null) socket.write(said);
        }),
    );
    const address = { host: "127.0.0.1", port: server.port };
    const secure = connectTls({ ...address, ca: files.authority.certificatePem, ALPNProtocols: ["h2"] });
    const plain = connect(address);
    clients.push(secure, plain);
    for (const client of [secure, plain]) {
      client.write("GET ");
      const [answer] = await once(client, "data");
      assert.equal(String(answer), "GET ");
    }
    const silent = connect(address);
    clients.push(silent);
    silent.on("error", () => undefined).end();
    await once(silent.resume(), "close");
  });
});
