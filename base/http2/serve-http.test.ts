import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { connect, createServer, type Server } from "node:net";
import { type Deferred, deferred } from "../deferred.ts";
import { type Clock, systemClock } from "../os/clock.ts";
import { silentLog } from "../os/log.ts";
import { errorCodes, frame, frameFlags, frameTypes, settingIds } from "./frames.ts";
import { headerBlock } from "./header-block.ts";
import type { HttpResponse } from "./http-response.ts";
import { Http2Server } from "./http2-server.ts";
import type { Http2Limits } from "./limits.ts";
import { type HttpHandler, serveHttp } from "./serve-http.ts";
import { get, isType, RawClient, request, windowUpdate } from "./testing/raw-client.ts";

const { DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION } = frameTypes;
const post = { ...get, ":method": "POST" };
const isEnd = ({ flags }: { readonly flags: number }) => (flags & frameFlags.END_STREAM) !== 0;

/** Timers of at least a minute fire when they are told to. */
function clockByHand() {
  const waiting = new Map<() => void, number>();
  const after: Clock["after"] = (ms, fire) => {
    if (ms < 60_000) return systemClock.after(ms, fire);
    waiting.set(fire, ms);
    return () => void waiting.delete(fire);
  };
  let passedMs = 0;
  return {
    clock: { ...systemClock, after, monotonicMs: () => systemClock.monotonicMs() + passedMs },
    pass: (ms: number) => {
      passedMs += ms;
      for (const [fire, due] of [...waiting]) if (due === ms && waiting.delete(fire)) fire();
    },
  };
}

describe("HTTP on HTTP/2's streams", () => {
  const limits: Http2Limits = {
    streamsMost: 4,
    streamWindowBytes: 64 * 1024,
    connectionWindowBytes: 256 * 1024,
    headerListBytesMost: 32 * 1024,
    headWithinMs: 120_000,
    idleMostMs: 90_000,
  };
  const { clock, pass } = clockByHand();
  let listener: Server;
  let http2: Http2Server;
  const sockets = new Set<Socket>();
  let handler: HttpHandler;
  before(async () => {
    const route = serveHttp((asked, response) => handler(asked, response), clock);
    http2 = new Http2Server({ limits, route, clock, log: silentLog });
    listener = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      http2.accept(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  });
  const clients: RawClient[] = [];
  const begun = (settings?: Uint8Array) => {
    const client = new RawClient((listener.address() as AddressInfo).port);
    clients.push(client);
    client.begin(settings);
    return client;
  };
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.destroy();
  });
  after(async () => {
    listener.close();
    await http2.stop();
    for (const socket of sockets) socket.destroy();
  });
  const goneAway = async (client: RawClient) => {
    const { payload } = await client.next(isType(GOAWAY));
    return { lastStreamId: payload.readUInt32BE(0), code: payload.readUInt32BE(4) };
  };
  const answered = async (client: RawClient, id: number) =>
    client.headersOf(await client.next(isType(HEADERS, id)));

  it("says the limits it was given", async () => {
    const client = begun();
    const { payload } = await client.next(isType(SETTINGS));
    const said = new Map<number, number>();
    for (let at = 0; at < payload.length; at += 6)
      said.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
    assert.deepEqual(
      [
        settingIds.MAX_CONCURRENT_STREAMS,
        settingIds.INITIAL_WINDOW_SIZE,
        settingIds.MAX_HEADER_LIST_SIZE,
      ].map((id) => said.get(id)),
      [4, 64 * 1024, 32 * 1024],
    );
  });

  it("hands a request over as HTTP/1.1's server does, its authority as the host", async () => {
    const seen: unknown[] = [];
    handler = async (asked, response) => {
      const body: Buffer[] = [];
      for await (const piece of asked) body.push(piece);
      const { method, url, headers, httpVersion, complete } = asked;
      seen.push({
        method,
        url,
        headers: { ...headers },
        httpVersion,
        complete,
        body: Buffer.concat(body).toString(),
      });
      response.end();
    };
    const client = begun();
    const headers = { ":path": "/a?b=c", ":authority": "one:1", host: "two", "x-a": "1", cookie: "a=b" };
    client.send(
      request(1, { ...post, ...headers }, { end: false }),
      frame(DATA, 0, 1, Buffer.from("he")),
      frame(DATA, frameFlags.END_STREAM, 1, Buffer.from("llo")),
    );
    await client.next((one) => one.streamId === 1 && isEnd(one));
    assert.deepEqual(seen, [
      {
        method: "POST",
        url: "/a?b=c",
        headers: { host: "one:1", "x-a": "1", cookie: "a=b" },
        httpVersion: "2.0",
        complete: true,
        body: "hello",
      },
    ]);
  });

  it("writes no header that means a connection, adds date and length, and refuses line breaks", async () => {
    handler = async (_, response) => {
      for (const name of ["Connection", "Keep-Alive", "Transfer-Encoding", "Upgrade", "Proxy-Connection"])
        response.setHeader(name, "x");
      response.setHeader("X-Numbers", 7).setHeader("X-Blank", " a b\t");
      response.appendHeader("Warning", "a").appendHeader("warning", "b");
      assert.throws(() => response.setHeader("X-Bad", "a\r\nb"), { code: "ERR_INVALID_CHAR" });
      response.end("four");
      assert.throws(() => response.setHeader("X-Late", "a"), { code: "ERR_HTTP_HEADERS_SENT" });
    };
    const client = begun();
    client.send(request(1, get));
    const { date, ...headers } = await answered(client, 1);
    assert.ok(Math.abs(Date.parse(date ?? "") - Date.now()) < 60_000, date);
    // The client keeps the last of a name.
    assert.deepEqual(headers, {
      ":status": "200",
      "x-numbers": "7",
      "x-blank": "a b",
      warning: "b",
      "content-length": "4",
    });
    assert.equal((await client.next(isType(DATA, 1))).payload.toString(), "four");
  });

  it("writes a head of names and values by turns, of which one may come twice", async () => {
    handler = async (_, response) => {
      assert.throws(() => response.writeHead(200, ["X-Bad", "a\r\nb"]), { code: "ERR_INVALID_CHAR" });
      response.writeHead(201, ["X-A", "1", "Set-Cookie", "a", "set-cookie", "b"]);
      assert.deepEqual(response.getHeader("set-cookie"), ["a", "b"]);
      response.end();
    };
    const client = begun();
    client.send(request(1, get));
    const { date: _, ...headers } = await answered(client, 1);
    assert.deepEqual(headers, { ":status": "201", "x-a": "1", "set-cookie": "b" });
  });

  for (const [what, method, code] of [
    ["HEAD", "HEAD", 200],
    ["204", "GET", 204],
    ["304", "GET", 304],
  ] as const)
    it(`sends no body with ${what}, though one is written`, async () => {
      handler = async (_, response) => {
        response.statusCode = code;
        response.write("no ");
        response.end("body");
      };
      const client = begun();
      client.send(request(1, { ...get, ":method": method }));
      const head = await client.next(isType(HEADERS, 1));
      assert.equal(client.headersOf(head)[":status"], String(code));
      assert.ok(isEnd(head));
    });

  it("lets a client go on that waits for 100-continue", async () => {
    handler = async (asked, response) => {
      for await (const _ of asked);
      response.end();
    };
    const client = begun();
    client.send(request(1, { ...post, expect: "100-continue" }, { end: false }));
    assert.deepEqual(await answered(client, 1), { ":status": "100" });
    client.send(frame(DATA, frameFlags.END_STREAM, 1, Buffer.alloc(1)));
    assert.equal((await answered(client, 1))[":status"], "200");
  });

  for (const [what, length, pieces] of [
    ["more than it said", "3", ["he", "llo"]],
    ["less than it said", "9", ["he", "llo"]],
    ["something where it said nothing", "0", ["hello"]],
    ["nothing where it said something", "5", []],
    ["as much as one of two lengths", ["5", "6"], ["hello"]],
    ["as much as a length that is none", "+5", ["hello"]],
  ] as const)
    it(`ends a request whose body is ${what}, and goes on`, async () => {
      const whole: string[] = [];
      handler = async (asked, response) => {
        const body: Buffer[] = [];
        asked.on("data", (piece) => body.push(piece));
        asked.on("error", () => undefined);
        asked.on("end", () => whole.push(Buffer.concat(body).toString()));
        asked.on("end", () => response.end());
      };
      const client = begun();
      const lengths = [length].flat().map((value) => ({ name: "content-length", value }));
      const list = [...Object.entries(post).map(([name, value]) => ({ name, value })), ...lengths];
      const end = pieces.length === 0 ? frameFlags.END_STREAM : 0;
      client.send(frame(HEADERS, frameFlags.END_HEADERS | end, 1, headerBlock(list)));
      for (const [at, piece] of pieces.entries())
        client.send(frame(DATA, at + 1 === pieces.length ? frameFlags.END_STREAM : 0, 1, Buffer.from(piece)));
      const { payload } = await client.next(isType(RST_STREAM, 1));
      assert.equal(payload.readUInt32BE(0), errorCodes.PROTOCOL_ERROR);
      client.send(request(3, { ...post, "content-length": "5" }, { end: false }));
      client.send(frame(DATA, frameFlags.END_STREAM, 3, Buffer.from("whole")));
      await answered(client, 3);
      assert.deepEqual(whole, ["whole"]);
    });

  for (const [what, headers] of [
    ["a method that is none", { ":method": "GET /x HTTP/1.1" }],
    ["an empty method", { ":method": "" }],
    ["a path with a space", { ":path": "/a b" }],
    ["a path with a control character", { ":path": "/a\u0001" }],
    ["a path that is none", { ":path": "a" }],
    ["a control character", { "x-a": "a\u0001b" }],
  ] as const)
    it(`takes no request with ${what}`, async () => {
      handler = async (_, response) => void response.end();
      const client = begun();
      client.send(request(1, { ...get, ...headers }));
      const { payload } = await client.next(isType(RST_STREAM, 1));
      assert.equal(payload.readUInt32BE(0), errorCodes.PROTOCOL_ERROR);
    });

  it("answers 431 to headers that are too large, and goes on", async () => {
    handler = async (_, response) => void response.end();
    const client = begun();
    const block = request(1, { ...get, a: "v".repeat(15_000), b: "v".repeat(15_000), c: "v".repeat(5_000) });
    client.send(
      frame(HEADERS, frameFlags.END_STREAM, 1, block.subarray(9, 9 + 16_000)),
      frame(CONTINUATION, 0, 1, block.subarray(9 + 16_000, 9 + 32_000)),
      frame(CONTINUATION, frameFlags.END_HEADERS, 1, block.subarray(9 + 32_000)),
    );
    assert.equal((await answered(client, 1))[":status"], "431");
    client.send(request(3, get));
    assert.equal((await answered(client, 3))[":status"], "200");
  });

  it("ends a connection whose headers come in more pieces than anybody needs", async () => {
    const client = begun();
    client.send(request(1, get, { endHeaders: false }));
    for (let piece = 0; piece < 20; piece++) client.send(frame(CONTINUATION, 0, 1, Buffer.from([0x82])));
    assert.equal((await goneAway(client)).code, errorCodes.ENHANCE_YOUR_CALM);
    await client.closed();
  });

  it("ends a connection whose preface, or whose head, does not come in time", async () => {
    const silent = new RawClient((listener.address() as AddressInfo).port);
    clients.push(silent);
    await silent.next(isType(SETTINGS));
    const slow = begun();
    slow.send(request(1, get, { endHeaders: false }), frame(CONTINUATION, 0, 1, Buffer.from([0x82])));
    const good = begun();
    good.send(frame(PING, 0, 0, Buffer.alloc(8)));
    await good.next(isType(PING));
    // What is sent before is read before.
    await new Promise<void>((resolve) => slow.socket.write("", () => resolve()));
    await good.next(isType(SETTINGS));
    pass(120_000);
    assert.equal((await goneAway(silent)).code, errorCodes.ENHANCE_YOUR_CALM);
    assert.equal((await goneAway(slow)).code, errorCodes.ENHANCE_YOUR_CALM);
  });

  it("lets a connection go that nobody used for long, in good order, and none with an open stream", async () => {
    const hanging: HttpResponse[] = [];
    handler = async (asked, response) => {
      if (asked.url === "/hang") hanging.push(response.writeHead(200));
      response.flushHeaders();
      if (asked.url !== "/hang") response.end();
    };
    const [idle, used] = [begun(), begun()];
    for (const client of [idle, used]) {
      client.send(request(1, { ...get, ":path": client === used ? "/hang" : "/" }));
      assert.equal((await answered(client, 1))[":status"], "200");
    }
    pass(90_000);
    assert.deepEqual(await goneAway(idle), { lastStreamId: 1, code: errorCodes.NO_ERROR });
    await idle.closed();
    hanging[0]?.end();
    await used.next((one) => one.streamId === 1 && isEnd(one));
    used.send(request(3, get));
    assert.equal((await answered(used, 3))[":status"], "200");
  });

  it("holds back a body that nobody reads, stream by stream: others are answered", async () => {
    let stalled: Deferred<void> = deferred();
    handler = async (asked, response) => {
      if (asked.url === "/stall") await stalled.promise;
      let bytes = 0;
      for await (const piece of asked) bytes += piece.length;
      response.end(String(bytes));
    };
    const client = begun();
    const piece = Buffer.alloc(16_000);
    client.send(request(1, { ...post, ":path": "/stall" }, { end: false }));
    for (let sent = 0; sent < 4; sent++) client.send(frame(DATA, 0, 1, piece));
    client.send(request(3, post, { end: false }), frame(DATA, frameFlags.END_STREAM, 3, Buffer.from("abc")));
    assert.equal((await client.next(isType(DATA, 3))).payload.toString(), "3");
    // The window of the stream is not opened as long as nobody reads.
    assert.ok(!client.frames.some(isType(frameTypes.WINDOW_UPDATE, 1)));
    stalled.resolve();
    await client.next(isType(frameTypes.WINDOW_UPDATE, 1));
    client.send(frame(DATA, frameFlags.END_STREAM, 1, piece));
    assert.equal((await client.next(isType(DATA, 1))).payload.toString(), "80000");
    stalled = deferred();
  });

  it("stops a writer whose client opens no window, bounded, while other streams of the connection go on", async () => {
    const wrote = deferred<number>();
    handler = async (asked, response) => {
      if (asked.url !== "/large") return void response.end("small");
      let bytes = 0;
      while (response.write(Buffer.alloc(10_000))) bytes += 10_000;
      wrote.resolve(bytes);
      await new Promise<void>((resolve) => response.once("drain", resolve));
      response.end("last");
    };
    const noWindow = Buffer.alloc(6);
    noWindow.writeUInt16BE(settingIds.INITIAL_WINDOW_SIZE);
    const client = begun(noWindow);
    client.send(request(1, { ...get, ":path": "/large" }));
    const bytes = await wrote.promise;
    assert.ok(bytes < 200_000, `${bytes} bytes are kept`);
    client.send(request(3, get), windowUpdate(3, 100));
    assert.equal((await client.next(isType(DATA, 3))).payload.toString(), "small");
    client.send(windowUpdate(1, 1_000_000), windowUpdate(0, 1_000_000));
    await client.next((one) => one.streamId === 1 && isEnd(one));
  });

  it("tells a handler that its client reset the stream, and resets one whose answer breaks", async () => {
    const events: string[] = [];
    const closed = deferred<void>();
    handler = async (asked, response) => {
      response.flushHeaders();
      if (asked.url === "/break") return void response.destroy();
      asked.on("error", (error: NodeJS.ErrnoException) => events.push(`request: ${error.code}`));
      response.on("finish", () => events.push("finish"));
      await new Promise<void>((resolve) => response.on("close", () => resolve()));
      events.push("close");
      closed.resolve();
    };
    const client = begun();
    client.send(request(1, { ...post }, { end: false }));
    await answered(client, 1);
    client.send(frame(RST_STREAM, 0, 1, Buffer.from([0, 0, 0, errorCodes.CANCEL])));
    await closed.promise;
    assert.ok(!events.includes("finish"));
    assert.ok(events.includes("request: ECONNRESET"), events.join());
    client.send(request(3, { ...get, ":path": "/break" }));
    const { payload } = await client.next(isType(RST_STREAM, 3));
    assert.equal(payload.readUInt32BE(0), errorCodes.INTERNAL_ERROR);
  });

  it("has no more work under way than streams, however fast they are reset, and ends who goes on", async () => {
    let underWay = 0;
    let mostUnderWay = 0;
    const letGo = deferred<void>();
    handler = async (_, response) => {
      mostUnderWay = Math.max(mostUnderWay, ++underWay);
      await letGo.promise;
      underWay--;
      response.end();
    };
    const client = begun();
    const cancel = Buffer.from([0, 0, 0, errorCodes.CANCEL]);
    for (let id = 1; id < 100; id += 2) client.send(request(id, get), frame(RST_STREAM, 0, id, cancel));
    assert.equal((await client.next(isType(RST_STREAM))).payload.readUInt32BE(0), errorCodes.REFUSED_STREAM);
    assert.equal((await goneAway(client)).code, errorCodes.ENHANCE_YOUR_CALM);
    assert.equal(mostUnderWay, limits.streamsMost);
    letGo.resolve();
  });

  it("ends a connection after an answer that says so: what runs is finished, what comes later is not served", async () => {
    const letGo = deferred<void>();
    const served: string[] = [];
    handler = async (asked, response) => {
      served.push(asked.url ?? "");
      if (asked.url === "/last") response.shouldKeepAlive = false;
      else await letGo.promise;
      response.end();
    };
    const client = begun();
    client.send(request(1, { ...get, ":path": "/runs" }), request(3, { ...get, ":path": "/last" }));
    assert.deepEqual(await goneAway(client), { lastStreamId: 3, code: errorCodes.NO_ERROR });
    await answered(client, 3);
    client.send(request(5, { ...get, ":path": "/late" }), frame(PING, 0, 0, Buffer.alloc(8)));
    await client.next(isType(PING));
    letGo.resolve();
    await answered(client, 1);
    await client.closed();
    assert.deepEqual(served, ["/runs", "/last"]);
  });

  it("takes what a client sends until that has read the end, so that no reset loses it what it was sent", async () => {
    handler = async (_, response) => {
      response.shouldKeepAlive = false;
      response.end("whole");
    };
    const { port } = listener.address() as AddressInfo;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    const failed: Error[] = [];
    socket.on("error", (error) => failed.push(error));
    const client = new RawClient(socket);
    clients.push(client);
    const ended = once(socket, "end");
    const accepted = once(listener, "connection");
    client.begin();
    client.send(request(1, get));
    const [atServer] = (await accepted) as [Socket];
    assert.equal((await client.next(isType(DATA, 1))).payload.toString(), "whole");
    assert.deepEqual(await goneAway(client), { lastStreamId: 1, code: errorCodes.NO_ERROR });
    await ended;
    for (const late of [request(3, get), request(5, get)]) {
      const bytesBefore = atServer.bytesRead;
      socket.write(late);
      while (atServer.bytesRead === bytesBefore && !atServer.destroyed) await new Promise(setImmediate);
    }
    assert.ok(!atServer.destroyed);
    socket.end();
    await client.closed();
    assert.deepEqual(failed, []);
  });
});
