import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
  type ServerResponse,
} from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { request as httpsRequest } from "node:https";
import { type AddressInfo, connect, createServer as createTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { ServingRig } from "./testing/serving-rig.ts";

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

describe("a node that answers for Ingresses", () => {
  let rig: ServingRig;
  beforeEach(async () => {
    rig = await ServingRig.open();
  });
  afterEach(async () => {
    await rig.close();
  });

  const ask = (
    host: string,
    path: string,
    more: RequestOptions & { body?: string | Buffer; tls?: string } = {},
  ) =>
    new Promise<Answer>((resolve, reject) => {
      const { body, tls, headers, ...rest } = more;
      const options = {
        host: "127.0.0.1",
        path,
        agent: false as const,
        ...rest,
        headers: { host, ...headers },
      };
      const request =
        tls === undefined
          ? httpRequest({ ...options, port: rig.http })
          : httpsRequest({ ...options, port: rig.https, servername: host, ca: tls });
      request.on("response", (response) => {
        let text = "";
        response.on("data", (bytes) => {
          text += bytes;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.on("error", reject);
      });
      request.on("error", reject);
      request.end(body);
    });

  it("takes requests to the backends of their hosts and paths, and knows no others", async () => {
    await rig.backend("web");
    await rig.backend("shop");
    rig.ingress("a.test", { "/": "web", "/shop": "shop" });
    assert.equal((await ask("a.test", "/x")).text, "web");
    assert.equal((await ask("A.test:80", "/shop/1")).text, "shop");
    assert.equal((await ask("b.test", "/")).status, 404);
    rig.endpoints("web", []);
    assert.equal((await ask("a.test", "/")).status, 503);
  });

  it("says where a request comes from, whatever the client says, and keeps what is of one connection", async () => {
    let seen: string[] = [];
    await rig.backend("web", (request, response) => {
      seen = request.rawHeaders;
      response.writeHead(200, {
        connection: "x-mine",
        "x-mine": "1",
        "x-kept": "1",
        "keep-alive": "timeout=9",
      });
      response.end();
    });
    rig.ingress("a.test", { "/": "web" });
    const { headers } = await ask("a.test", "/", {
      headers: {
        "x-forwarded-for": "6.6.6.6",
        x_forwarded_for: "6.6.6.6",
        "x-forwarded-proto": "https",
        "X-Real-IP": "6.6.6.6",
        forwarded: "for=6.6.6.6",
        connection: "close, x-secret",
        "x-secret": "1",
        te: "gzip",
        "x-other": "kept",
      },
    });
    const sent = Object.fromEntries(seen.flatMap((name, at) => (at % 2 === 0 ? [[name, seen[at + 1]]] : [])));
    assert.ok(!JSON.stringify(seen).includes("6.6.6.6"), JSON.stringify(seen));
    assert.equal(sent["x-forwarded-for"], "127.0.0.1");
    assert.equal(sent["x-forwarded-proto"], "http");
    assert.equal(sent["x-forwarded-host"], "a.test");
    assert.equal(sent["x-other"], "kept");
    assert.match(sent["x-request-id"] ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual([sent["x-secret"], sent.te], [undefined, undefined]);
    assert.deepEqual([headers["x-mine"], headers["x-kept"]], [undefined, "1"]);
  });

  it("passes bodies both ways, however they are framed", async () => {
    await rig.backend("echo", (request, response) => void request.pipe(response));
    rig.ingress("a.test", { "/": "echo" }, { "proxy-body-size": "0" });
    const body = Buffer.alloc(3_000_000, "x").toString();
    for (const headers of [{ "content-length": body.length }, { "transfer-encoding": "chunked" }])
      for (const method of ["POST", "DELETE", "GET"])
        assert.equal((await ask("a.test", "/", { method, body, headers })).text.length, body.length, method);
    assert.equal((await ask("a.test", "/", { method: "POST" })).text, "");
  });

  for (const protocol of ["HTTP", "HTTPS"])
    it(`passes each its own bytes, with backends that speak ${protocol}`, async () => {
      const echo = (request: IncomingMessage, response: ServerResponse) => void request.pipe(response);
      if (protocol === "HTTP") await rig.backend("echo", echo);
      else await rig.tlsBackend("echo", echo);
      rig.ingress("a.test", { "/": "echo" }, { "proxy-body-size": "0", "backend-protocol": protocol });
      const bodies = Array.from({ length: 12 }, (_, at) => randomBytes(at * 40_000 + 10).toString("hex"));
      for (let round = 0; round < 2; round++) {
        const answers = await Promise.all(bodies.map((body) => ask("a.test", "/", { method: "PUT", body })));
        for (const [at, { text }] of answers.entries()) assert.ok(text === bodies[at], `body ${at}`);
      }
    });

  it("passes on answers as they are framed, with a body and without one, on one connection", async () => {
    await rig.backend("odd", (request, response) => {
      const { pathname } = new URL(request.url ?? "", "http://a.test");
      if (pathname === "/length") response.setHeader("content-length", 5);
      response.statusCode = Number(pathname.slice(1)) || 200;
      if (pathname === "/304") response.setHeader("etag", "x");
      if (pathname === "/chunks") response.write("he");
      if (pathname === "/chunks") response.end("llo");
      else if (response.statusCode === 200) response.end("hello");
      else response.end();
    });
    rig.ingress("a.test", { "/": "odd" });
    const asked = [
      "GET /length",
      "HEAD /length",
      "GET /chunks",
      "HEAD /chunks",
      "GET /204",
      "GET /304",
      "GET /500",
    ];
    const text = asked.map((one) => `${one} HTTP/1.1\r\nHost: a.test\r\n\r\n`).join("");
    const answer = await rig.raw(`${text}GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
    const said = answer
      .split(/(?=HTTP\/1\.1 )/)
      .map((one) => one.replace(/\r\n(date|connection|keep-alive): [^\r]*/gi, "").replaceAll("\r\n", "|"));
    assert.deepEqual(said, [
      "HTTP/1.1 200 OK|content-length: 5||hello",
      "HTTP/1.1 200 OK|content-length: 5||",
      "HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|he|3|llo|0||",
      "HTTP/1.1 200 OK||",
      "HTTP/1.1 204 No Content||",
      "HTTP/1.1 304 Not Modified|etag: x||",
      "HTTP/1.1 500 Internal Server Error|content-length: 0||",
      "HTTP/1.1 200 OK|content-length: 5||hello",
    ]);
  });

  it("asks for a body that a client holds back only once it is wanted", async () => {
    await rig.backend("echo", (request, response) => void request.pipe(response));
    rig.ingress("a.test", { "/": "echo" });
    const head = (host: string) =>
      `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
    assert.match(await rig.raw(head("a.test"), /\r\n\r\n/), /^HTTP\/1.1 100 Continue/);
    assert.match(await rig.raw(head("b.test"), /\r\n\r\n/), /^HTTP\/1.1 404/);
  });

  it("bounds bodies, told or not", async () => {
    const { asked } = await rig.backend("echo", (request, response) => void request.pipe(response));
    rig.ingress("a.test", { "/": "echo" }, { "proxy-body-size": "1k" });
    const body = "x".repeat(1025);
    assert.equal((await ask("a.test", "/", { method: "POST", body })).status, 413);
    assert.deepEqual(asked, []);
    const chunked = `POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n${body}\r\n`;
    const answer = await rig.raw(chunked);
    assert.match(answer, /^HTTP\/1.1 413[\s\S]*Connection: close/i);
    assert.equal((await ask("a.test", "/", { method: "POST", body: body.slice(1) })).status, 200);
  });

  it("shows each host its certificate, a new one at once, and leads plain requests to TLS", async () => {
    await rig.backend("web");
    rig.ingress("a.test", { "/": "web" }, {}, { tls: [{ hosts: ["a.test"], secretName: "a" }] });
    assert.equal((await ask("a.test", "/")).status, 200, "there is no certificate to lead to");
    const first = await rig.certificate("a.test");
    assert.equal((await ask("a.test", "/", { tls: first })).text, "web");
    const led = await ask("a.test", "/x?y=1");
    assert.deepEqual([led.status, led.headers.location], [308, `https://a.test:${rig.https}/x?y=1`]);
    const second = await rig.certificate("a.test");
    assert.equal((await ask("a.test", "/", { tls: second })).text, "web");
    await assert.rejects(ask("a.test", "/", { tls: first }), /certificate/);
    await assert.rejects(
      ask("c.test", "/", { tls: second }),
      /certificate/,
      "another host is shown the node's own",
    );
  });

  it("shows clients that name no host the certificate for every host", async () => {
    const ca = await rig.certificate("");
    const socket = connectTls({
      port: rig.https,
      host: "127.0.0.1",
      ca,
      checkServerIdentity: () => undefined,
    });
    await once(socket, "secureConnect");
    assert.equal(socket.authorized, true);
    socket.destroy();
  });

  it("speaks HTTP/2, and keeps cookies whole", async () => {
    let cookie: string | undefined;
    await rig.backend("web", (request, response) => {
      cookie = request.headers.cookie;
      response.setHeader("set-cookie", ["a=1", "b=2"]);
      response.end(request.headers.host);
    });
    rig.ingress("a.test", { "/": "web" });
    const ca = await rig.certificate("a.test");
    const session = connectHttp2(`https://127.0.0.1:${rig.https}`, { servername: "a.test", ca });
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const stream = session.request({ ":authority": "a.test", ":path": "/", cookie: ["x=1", "y=2"] });
        const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
        let text = "";
        for await (const bytes of stream) text += bytes;
        return [headers[":status"], headers["set-cookie"]?.join(), text];
      }),
    );
    for (const answer of answers) assert.deepEqual(answer, [200, "a=1,b=2", "a.test"]);
    assert.equal(cookie, "x=1; y=2");
    session.close();
  });

  it("serves gRPC: streams both ways, and the status behind the body", async () => {
    await rig.grpcBackend("grpc", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "7", "grpc-message": "no" }));
      stream.on("data", (bytes) => stream.write(bytes));
      stream.on("end", () => stream.end());
    });
    rig.ingress("g.test", { "/": "grpc" }, { "backend-protocol": "GRPC" });
    const ca = await rig.certificate("g.test");
    const session = connectHttp2(`https://127.0.0.1:${rig.https}`, { servername: "g.test", ca });
    const stream = session.request({
      ":authority": "g.test",
      ":method": "POST",
      ":path": "/pkg.Service/Chat",
      te: "trailers",
      "content-type": "application/grpc",
    });
    const trailers = once(stream, "trailers");
    const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
    assert.equal(headers["content-type"], "application/grpc", "the head comes before anything is said");
    for (const word of ["one", "two"]) {
      stream.write(word);
      assert.equal(String((await once(stream, "data"))[0]), word);
    }
    stream.end();
    assert.equal(((await trailers) as [IncomingHttpHeaders])[0]["grpc-status"], "7");
    session.close();
  });

  it("passes on WebSocket, and no other change of protocols", async () => {
    const { server, asked } = await rig.backend("ws");
    server.on("upgrade", (request: IncomingMessage, socket, head: Buffer) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Path: ${request.url}\r\n\r\n`,
      );
      socket.write(head);
      socket.pipe(socket);
    });
    rig.ingress("a.test", { "/": "ws" });
    const wish = (protocol: string) =>
      `GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AA\r\nSec-WebSocket-Key: k\r\n\r\nearly`;
    const joined = await rig.raw(wish("websocket"), /early$/);
    assert.match(joined, /^HTTP\/1.1 101 [\s\S]*X-Path: \/chat[\s\S]*early$/);
    assert.deepEqual(asked, []);
    assert.match(await rig.raw(wish("h2c")), /^HTTP\/1.1 200 [\s\S]*ws$/);
    assert.deepEqual(asked, ["GET /chat"]);
    const unknown = await rig.raw(wish("websocket").replace("a.test", "b.test"));
    assert.match(unknown, /^HTTP\/1.1 404/);
  });

  it("asks another endpoint where one cannot be reached, for requests with a body, too", async () => {
    const { port, asked } = await rig.backend("web", (request, response) => void request.pipe(response));
    const closed = createTcp();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const gone = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    rig.endpoints("web", [gone, port]);
    rig.ingress("a.test", { "/": "web" });
    for (let at = 0; at < 4; at++)
      assert.equal((await ask("a.test", "/", { method: "POST", body: "hello" })).text, "hello");
    assert.equal(asked.length, 4);
    rig.endpoints("web", [gone]);
    assert.equal((await ask("a.test", "/")).status, 502);
  });

  it("repeats what is asked twice without harm, by the statuses and reasons that the Ingress names", async () => {
    const bad = await rig.backend("web", (_, response) => void response.writeHead(503).end("bad"));
    const good = await rig.backend("web");
    rig.endpoints("web", [bad.port, good.port]);
    rig.ingress("a.test", { "/": "web" }, { "proxy-next-upstream": "error http_503" });
    for (let at = 0; at < 4; at++) assert.equal((await ask("a.test", "/")).text, "web");
    const posts = await Promise.all(
      Array.from({ length: 8 }, () => ask("a.test", "/", { method: "POST", body: "x" })),
    );
    assert.ok(
      posts.some(({ status }) => status === 503),
      "what may have been done is not done again",
    );
  });

  it("gives up on a backend that says nothing, before the answer and within it", async () => {
    await rig.backend("web", (request, response) => {
      if (request.url === "/half") response.write("half");
    });
    rig.ingress("a.test", { "/": "web" }, { "proxy-read-timeout": "1", "proxy-next-upstream": "off" });
    assert.equal((await ask("a.test", "/none")).status, 504);
    await assert.rejects(ask("a.test", "/half"), /aborted|hang up|reset/);
  });

  it("keeps clients with their endpoints by a cookie", async () => {
    const ports = await Promise.all(
      ["1", "2", "3"].map(
        async (name) => (await rig.backend("web", (_, response) => void response.end(name))).port,
      ),
    );
    rig.endpoints("web", ports);
    rig.ingress(
      "a.test",
      { "/": "web" },
      { affinity: "cookie", "session-cookie-name": "route", "session-cookie-max-age": "60" },
    );
    const first = await ask("a.test", "/");
    const [set = ""] = first.headers["set-cookie"] ?? [];
    assert.match(set, /^route=[0-9a-f]{32}; Path=\/; Max-Age=60; HttpOnly$/);
    const cookie = set.split(";")[0] ?? "";
    for (let at = 0; at < 6; at++) {
      const again = await ask("a.test", "/", { headers: { cookie } });
      assert.deepEqual([again.text, again.headers["set-cookie"]], [first.text, undefined]);
    }
    const forged = await ask("a.test", "/", { headers: { cookie: "route=127.0.0.1" } });
    assert.match(String(forged.headers["set-cookie"]), /^route=/);
  });

  it("rewrites paths by the groups of their patterns", async () => {
    await rig.backend("web", (request, response) => void response.end(request.url));
    rig.ingress("a.test", { "/api(/|$)(.*)": "web" }, { "rewrite-target": "/$2", "use-regex": "true" });
    rig.ingress("b.test", { "/old": "web" }, { "rewrite-target": "/new" });
    assert.equal((await ask("a.test", "/api/users?x=1")).text, "/users?x=1");
    assert.equal((await ask("a.test", "/api")).text, "/");
    assert.equal((await ask("a.test", "/api/a%20b%0d%0aX:1")).text, "/a%20b%0D%0AX:1");
    assert.equal((await ask("b.test", "/old/x")).text, "/new");
  });

  it("redirects, lets in by address, and tells other sites what they may", async () => {
    await rig.backend("web");
    rig.ingress(
      "r.test",
      { "/": "web" },
      { "permanent-redirect": "https://else.test/", "permanent-redirect-code": "308" },
    );
    rig.ingress("d.test", { "/": "web" }, { "whitelist-source-range": "10.0.0.0/8,192.168.1.1" });
    rig.ingress("l.test", { "/": "web" }, { "whitelist-source-range": "127.0.0.0/8", "app-root": "/home" });
    rig.ingress(
      "c.test",
      { "/": "web" },
      { "enable-cors": "true", "cors-allow-origin": "https://*.site.test" },
    );
    const led = await ask("r.test", "/");
    assert.deepEqual([led.status, led.headers.location], [308, "https://else.test/"]);
    assert.equal((await ask("d.test", "/")).status, 403);
    assert.deepEqual(
      [(await ask("l.test", "/")).headers.location, (await ask("l.test", "/x")).text],
      ["/home", "web"],
    );
    const origin = (one: string) => ask("c.test", "/", { headers: { origin: one } });
    assert.equal(
      (await origin("https://a.site.test")).headers["access-control-allow-origin"],
      "https://a.site.test",
    );
    assert.equal((await origin("https://evilsite.test")).headers["access-control-allow-origin"], undefined);
    const preflight = await ask("c.test", "/", {
      method: "OPTIONS",
      headers: { origin: "https://a.site.test", "access-control-request-method": "PUT" },
    });
    assert.equal(preflight.status, 204);
  });

  it("answers a client so often and no more, unless its address is let off", async () => {
    const { asked } = await rig.backend("web");
    const statuses = async (times: number) => {
      const all: number[] = [];
      for (let at = 0; at < times; at++) all.push((await ask("a.test", "/")).status);
      return all;
    };
    const limits = { "limit-rpm": "1", "limit-burst-multiplier": "2" };
    rig.ingress("a.test", { "/": "web" }, limits);
    assert.deepEqual(await statuses(5), [200, 200, 200, 503, 503]);
    assert.equal(asked.length, 3);
    rig.ingress("a.test", { "/": "web" }, { ...limits, "limit-allowlist": "127.0.0.0/8" });
    assert.deepEqual(await statuses(2), [200, 200]);
    rig.ingress("a.test", { "/": "web" }, { "limit-rps": "many" });
    assert.deepEqual(await statuses(1), [503], "a limit that cannot be read closes");
  });

  it("takes no more of an answer than its client takes, and leaves a client that takes nothing", async () => {
    let written = 0;
    let isLeft: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      isLeft = resolve;
    });
    await rig.backend("big", (_, response) => {
      const piece = Buffer.alloc(256 * 1024);
      const more = () => {
        while (written < 1000 * piece.length) {
          written += piece.length;
          if (!response.write(piece)) return void response.once("drain", more);
        }
        response.end();
      };
      response.on("close", isLeft);
      more();
    });
    rig.ingress("a.test", { "/": "big" }, { "proxy-send-timeout": "1" });
    const client = connect(rig.http, "127.0.0.1", () =>
      client.write("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    );
    client.on("error", () => undefined);
    await left;
    assert.ok(written < 100 * 1024 * 1024, `${written} bytes were taken for a client that reads none`);
    client.destroy();
  });

  it("keeps what waits for a slow client as it came, whatever passes meanwhile", async () => {
    const piece = 64 * 1024;
    const bytes = randomBytes(512 * piece);
    let isStalled: () => void = () => undefined;
    const stalled = new Promise<void>((resolve) => {
      isStalled = resolve;
    });
    await rig.backend("big", async (_, response) => {
      response.writeHead(200, { "content-length": bytes.length });
      for (let at = 0; at < bytes.length; at += piece)
        if (!response.write(bytes.subarray(at, at + piece))) {
          const timer = setTimeout(isStalled, 300);
          await once(response, "drain");
          clearTimeout(timer);
        }
      response.end();
    });
    await rig.backend("other", (_, response) => void response.end(Buffer.alloc(1_000_000, "o")));
    rig.ingress("a.test", { "/": "big", "/other": "other" });
    const client = connect(rig.http, "127.0.0.1", () =>
      client.write("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"),
    );
    await stalled;
    await ask("a.test", "/other");
    const read: Buffer[] = [];
    client.on("data", (one) => read.push(one));
    await once(client, "close");
    const all = Buffer.concat(read);
    assert.ok(all.subarray(all.indexOf("\r\n\r\n") + 4).equals(bytes));
  });

  it("leaves a backend alone whose client has gone", async () => {
    let isGone: (gone: boolean) => void = () => undefined;
    const gone = new Promise<boolean>((resolve) => {
      isGone = resolve;
    });
    const { server } = await rig.backend("slow", (_, response) => void response.write("begun"));
    server.on("connection", (socket) => socket.on("close", () => isGone(true)));
    rig.ingress("a.test", { "/": "slow" });
    await rig.raw("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", /begun/);
    assert.equal(await gone, true);
  });
});
