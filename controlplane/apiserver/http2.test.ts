import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import { errorCodes, frame, frameTypes, settingIds, uint32 } from "../../base/http2/frames.ts";
import { get, isType, RawClient, request, windowUpdate } from "../../base/http2/testing/raw-client.ts";
import type { ApiserverConfig } from "./flags.ts";
import { shutdownAtOnce } from "./shutdown/flags.ts";
import { startTestApiserver, type TestApiserver } from "./testing.ts";
import { configMap, configMaps } from "./testing-objects.ts";

const { DATA, HEADERS, RST_STREAM, WINDOW_UPDATE } = frameTypes;
const post = { ...get, ":method": "POST", "content-type": "application/json" };

describe("HTTP/2 on an API server's port", () => {
  const servers: TestApiserver[] = [];
  const sessions: ClientHttp2Session[] = [];
  const rawClients: RawClient[] = [];
  const start = async (config: Partial<ApiserverConfig> = {}) => {
    const server = await startTestApiserver({ config, protocol: "HTTP/1.1" });
    servers.push(server);
    return server;
  };
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy();
    for (const { socket } of rawClients.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) await server.stop();
  });
  const open = (server: TestApiserver): ClientHttp2Session => {
    const session = connect(server.url, server.place);
    session.on("error", () => undefined);
    sessions.push(session);
    return session;
  };
  const raw = async ({ place, url }: TestApiserver, settings?: Uint8Array): Promise<RawClient> => {
    const socket = connectTls({ ...place, host: new URL(url).hostname, ALPNProtocols: ["h2"] });
    await once(socket, "secureConnect");
    const client = new RawClient(socket);
    rawClients.push(client);
    client.begin(settings);
    return client;
  };
  const ask = async (session: ClientHttp2Session, path: string) => {
    const stream = session.request({ ":path": path });
    const [head] = (await once(stream, "response")) as [Record<string, string>];
    return { code: Number(head[":status"]), head, stream };
  };
  const chosen = async ({ url, place }: TestApiserver, ...offered: string[]) => {
    const socket = connectTls({ ...place, host: new URL(url).hostname, ALPNProtocols: offered });
    await once(socket, "secureConnect");
    socket.destroy();
    return socket.alpnProtocol;
  };

  it("agrees to no second TLS handshake within a connection", async () => {
    const { url, place } = await start();
    const host = new URL(url).hostname;
    const socket = connectTls({ ...place, host, ALPNProtocols: ["h2"], maxVersion: "TLSv1.2" });
    await once(socket, "secureConnect");
    const failed = once(socket, "error");
    socket.renegotiate({}, () => undefined);
    const [error] = (await failed) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ERR_SSL_NO_RENEGOTIATION");
  });

  it("is chosen by those who offer it, and left out with --disable-http2-serving", async () => {
    const both = await start();
    assert.deepEqual(
      [await chosen(both, "h2", "http/1.1"), await chosen(both, "http/1.1"), await chosen(both)],
      ["h2", "http/1.1", false],
    );
    const one = await start({ http2: { serves: false, streamsMax: 100 } });
    assert.equal(await chosen(one, "h2", "http/1.1"), "http/1.1");
  });

  it("tells how many requests a connection may have, and answers pings", async () => {
    const session = open(await start({ http2: { serves: true, streamsMax: 7 } }));
    const [settings] = await once(session, "remoteSettings");
    assert.equal(settings.maxConcurrentStreams, 7);
    await new Promise<void>((resolve, reject) =>
      session.ping((error) => (error === null ? resolve() : reject(error))),
    );
  });

  for (const [how, leave] of [
    [
      "resets its stream",
      (client: RawClient) => client.send(frame(RST_STREAM, 0, 1, uint32(errorCodes.CANCEL))),
    ],
    ["leaves", (client: RawClient) => client.socket.destroy()],
  ] as const)
    it(`goes on when a client ${how} in the middle of a body`, async () => {
      const server = await start();
      const client = await raw(server);
      client.send(request(1, { ...post, ":path": configMaps }, { end: false }));
      for (let sent = 0; sent < 10; sent++) client.send(frame(DATA, 0, 1, Buffer.alloc(16_384, 32)));
      // The server takes the body in.
      await client.next(isType(WINDOW_UPDATE, 1));
      leave(client);
      assert.equal((await server.admin.call("POST", configMaps, { body: configMap("after") })).code, 201);
    });

  /** A client that takes nothing of any answer, until it says so. */
  const mute = async (server: TestApiserver): Promise<RawClient> => {
    const noWindow = Buffer.alloc(6);
    noWindow.writeUInt16BE(settingIds.INITIAL_WINDOW_SIZE);
    return raw(server, noWindow);
  };

  it("gives an answer up that its client has not taken when the request's time is up", async () => {
    const client = await mute(await start());
    client.send(request(1, { ...get, ":path": "/api?timeout=100ms" }));
    await client.next(isType(HEADERS, 1));
    await client.next(isType(RST_STREAM, 1));
    client.send(request(3, { ...get, ":path": "/api" }), windowUpdate(3, 65_535));
    await client.next(isType(DATA, 3));
  });

  it("has a large answer count as a request under way until its client has taken it", async () => {
    const server = await start({
      priorityAndFairness: false,
      inFlight: { readingMax: 1, mutatingMax: 10 },
    });
    // Administrators are not counted.
    await server.admin.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
      body: {
        metadata: { name: "readers" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "jane" }],
      },
    });
    await server.admin.call("POST", configMaps, { body: configMap("large", { a: "x".repeat(300_000) }) });
    const client = await mute(server);
    const reading = { ...get, ":path": `${configMaps}/large`, "impersonate-user": "jane" };
    const code = async (id: number) => {
      client.send(request(id, reading));
      return client.headersOf(await client.next(isType(HEADERS, id)))[":status"];
    };
    assert.deepEqual([await code(1), await code(3)], ["200", "429"]);
    client.send(windowUpdate(0, 1_000_000), windowUpdate(1, 1_000_000));
    await client.next(({ streamId, type, flags }) => streamId === 1 && type === DATA && flags !== 0);
    assert.equal(await code(5), "200");
  });

  it("asks clients to spread by GOAWAY with --goaway-chance: watches on the connection go on", async () => {
    const server = await start({ shutdown: { ...shutdownAtOnce, goawayChance: 1 } });
    const session = open(server);
    const goneAway = once(session, "goaway");
    const { stream } = await ask(session, `${configMaps}?watch=1`);
    const [code, lastStreamId] = await goneAway;
    assert.deepEqual([code, lastStreamId], [0, stream.id]);
    await server.admin.call("POST", configMaps, { body: configMap("told") });
    const [bytes] = await once(stream, "data");
    assert.match(String(bytes), /"type":"ADDED".*"name":"told"/);
    stream.close();
    await once(session, "close");
  });

  for (const [who, headers] of [
    ["nobody in particular", {}],
    ["somebody whose credentials do not hold", { authorization: "Bearer wrong" }],
  ] as const)
    it(`gives ${who} a connection for one request only`, async () => {
      const server = await start();
      const { cert: _, key: __, ...unknown } = server.place;
      const session = connect(server.url, unknown);
      session.on("error", () => undefined);
      sessions.push(session);
      const goneAway = once(session, "goaway");
      const stream = session.request({ ":path": "/api/v1/namespaces", ...headers });
      const [head] = (await once(stream, "response")) as [Record<string, string>];
      assert.ok([401, 403].includes(Number(head[":status"])));
      stream.resume();
      const [code, lastStreamId] = await goneAway;
      assert.deepEqual([code, lastStreamId], [0, stream.id]);
      await once(session, "close");
    });

  it("keeps the connection of somebody who may not", async () => {
    const server = await start();
    const session = open(server);
    const headers = { ":path": "/api/v1/namespaces", "impersonate-user": "jane" };
    for (let n = 0; n < 2; n++) {
      const stream = session.request(headers);
      const [head] = (await once(stream, "response")) as [Record<string, string>];
      assert.equal(Number(head[":status"]), 403);
      stream.resume();
    }
    assert.ok(!session.closed);
  });

  it("never writes what HTTP/2 forbids, whatever an answer says of its connection", async () => {
    const server = await start();
    const session = open(server);
    const { head } = await ask(session, "/api/v1/namespaces");
    assert.deepEqual(
      Object.keys(head).filter((name) => /^(connection|keep-alive|transfer-encoding|upgrade)$/.test(name)),
      [],
    );
  });
});
