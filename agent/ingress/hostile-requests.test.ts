import assert from "node:assert/strict";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import { createServer as createTcp, type Socket } from "node:net";
import fc from "fast-check";
import { type Backend, ServingRig, statusLine } from "./testing/serving-rig.ts";

describe("hostile requests of Ingresses", () => {
  let rig: ServingRig;
  let web: Backend;
  before(async () => {
    rig = await ServingRig.open();
    web = await rig.backend("web", (request, response) => {
      request.resume();
      request.on("end", () => response.end("web"));
    });
    rig.ingress("a.test", { "/public": "web" });
  });
  after(async () => {
    await rig.close();
  });
  beforeEach(() => {
    web.asked.length = 0;
  });

  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n";
  const post = (headers: string, body: string) =>
    `POST /public HTTP/1.1\r\nHost: a.test\r\n${headers}\r\n${body}`;
  /** Nothing of these reaches a backend, and the connection ends. */
  const refused: Readonly<Record<string, string>> = {
    "a length and chunks": post(
      "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
      `0\r\n\r\n${smuggled}`,
    ),
    "chunks and a length": post(
      "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
      `0\r\n\r\n${smuggled}`,
    ),
    "two lengths": post("Content-Length: 0\r\nContent-Length: 40\r\n", smuggled),
    "two lengths in one": post("Content-Length: 0, 40\r\n", smuggled),
    "a signed length": post("Content-Length: +40\r\n", smuggled),
    "a length in hexadecimal": post("Content-Length: 0x28\r\n", smuggled),
    "an encoding that is not known": post("Transfer-Encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`),
    "an encoding before chunks": post("Transfer-Encoding: gzip, chunked\r\n", `0\r\n\r\n${smuggled}`),
    "two encodings": post(
      "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
      `0\r\n\r\n${smuggled}`,
    ),
    "chunks with blanks before": post("Transfer-Encoding: \x0bchunked\r\n", `0\r\n\r\n${smuggled}`),
    "a name with a blank": post("Content-Length : 40\r\n", smuggled),
    "a folded header": post("X: a\r\n Content-Length: 40\r\n", smuggled),
    "line feeds alone": `POST /public HTTP/1.1\nHost: a.test\nContent-Length: 0\n\n${smuggled}`,
    "a carriage return in a value": post("X: a\rContent-Length: 40\r\n", smuggled),
    "a NUL in a value": post("X: a\0b\r\n", ""),
    "no host": "GET /public HTTP/1.1\r\n\r\n",
    "two hosts": "GET /public HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
    "a host with a path": "GET /public HTTP/1.1\r\nHost: a.test/x\r\n\r\n",
    "a host with a user": "GET /public HTTP/1.1\r\nHost: x@a.test\r\n\r\n",
    "a tunnel": "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a trace": "TRACE /public HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "no path": "OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a blank in the path": "GET /public /x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a NUL in the path": "GET /public%00 HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "a fragment in the path": "GET /public#x HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "chunks of HTTP/1.0": `POST /public HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    "another version": "GET /public HTTP/3.0\r\nHost: a.test\r\n\r\n",
    "HTTP/2 on the plain port": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "headers without end": `GET /public HTTP/1.1\r\nHost: a.test\r\nX: ${"a".repeat(40_000)}\r\n\r\n`,
    "many headers": `GET /public HTTP/1.1\r\nHost: a.test\r\n${"a: b\r\n".repeat(10_000)}\r\n`,
    bytes: "\x16\x03\x01\x00\x05\r\n\r\n",
  };
  for (const [name, text] of Object.entries(refused))
    it(`${name}: refused, and nothing goes on`, async () => {
      const answer = await rig.raw(text);
      assert.match(statusLine(answer), /^(4\d\d|501|505)$/, answer.slice(0, 200));
      assert.equal(answer.match(/HTTP\/1\.1 /g)?.length, 1, "what stands behind is no request");
      assert.deepEqual(web.asked, []);
    });

  it("broken chunks end the request at both sides", async () => {
    const answer = await rig.raw(
      post("Transfer-Encoding: chunked\r\n", `5;x=${"y".repeat(20_000)}\r\nhello\r\n0\r\n\r\n`),
    );
    assert.doesNotMatch(answer, / 200 /);
    const bad = await rig.raw(post("Transfer-Encoding: chunked\r\n", `zz\r\n${smuggled}`));
    assert.doesNotMatch(bad, / 200 /);
    assert.ok(!web.asked.some((one) => one.includes("smuggled")));
  });

  it("no path leads around the routes", async () => {
    for (const path of ["/public/../x", "/public/%2e%2e/x", "/public/..%2Fx", "//x/../y", "/public/..\\x"]) {
      const answer = await rig.raw(`GET ${path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`);
      assert.equal(statusLine(answer), "404", path);
    }
    assert.deepEqual(web.asked, []);
    const around = await rig.raw(
      "GET http://a.test/x/../public?q HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n",
    );
    assert.equal(statusLine(around), "200", "the request's own host counts");
    assert.deepEqual(web.asked, ["GET /x/../public?q"]);
  });

  it("a request that ends early is none to the backend", async () => {
    const ended = new Promise<boolean>((resolve) => {
      web.server.once("request", (request) => {
        request.on("end", () => resolve(true));
        request.on("error", () => resolve(false));
      });
    });
    await rig.raw(post("Content-Length: 100\r\nExpect: 100-continue\r\n", "part"), /100 Continue/);
    assert.equal(await ended, false);
  });

  it("random bytes do no harm", async () => {
    const piece = fc.constantFrom(
      "GET /public HTTP/1.1\r\n",
      "Host: a.test\r\n",
      "\r\n",
      "Content-Length: 5\r\n",
      "Transfer-Encoding: chunked\r\n",
      "0\r\n\r\n",
      "hello",
      "\0",
      "\n",
      "Upgrade: websocket\r\nConnection: upgrade\r\n",
      "Expect: 100-continue\r\n",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 12 }), async (pieces) => {
        // Whatever came first, this ends it.
        await rig.raw(`${pieces.join("")}\r\n\r\n\0\0\r\n\r\n`, /HTTP\/1\.1 4\d\d|\r\n\r\nweb$/);
      }),
      { numRuns: 100 },
    );
    assert.equal(statusLine(await rig.raw("GET /public HTTP/1.1\r\nHost: a.test\r\n\r\n", /web$/)), "200");
  });

  /** What a hostile backend says, and that its client is told no such thing. */
  const answers: Readonly<Record<string, readonly [said: string, status: RegExp]>> = {
    "no HTTP": ["hello there\r\n\r\n", /502/],
    "a length and chunks": [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      /502/,
    ],
    "headers without end": [`HTTP/1.1 200 OK\r\nX: ${"a".repeat(100_000)}\r\n\r\n`, /502/],
    "a change that nobody asked for": [
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
      /502/,
    ],
    nothing: ["", /502/],
    "a status of its own": ["HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", /999|502/],
  };
  for (const [name, [said, status]] of Object.entries(answers))
    it(`a backend says ${name}`, async () => {
      const sockets = new Set<Socket>();
      const server = createTcp((socket) => {
        sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("data", () => socket.end(said));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      rig.endpoints("odd", [port]);
      rig.ingress("odd.test", { "/": "odd" });
      const answer = await rig.raw("GET / HTTP/1.1\r\nHost: odd.test\r\nConnection: close\r\n\r\n");
      assert.match(statusLine(answer), status, answer.slice(0, 200));
      server.close();
      for (const socket of sockets) socket.destroy();
    });

  it("headers that gRPC may have once come twice", async () => {
    await rig.grpcBackend("grpc", (stream) => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    rig.ingress("g.test", { "/": "grpc" }, { "backend-protocol": "GRPC" });
    const head = "POST / HTTP/1.1\r\nHost: g.test\r\nConnection: close\r\nContent-Length: 0\r\n";
    const twice = await rig.raw(
      `${head}Content-Type: a\r\nContent-Type: b\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n`,
    );
    assert.equal(statusLine(twice), "400");
    assert.equal(statusLine(await rig.raw(`${head}Content-Type: a\r\n\r\n`)), "200");
  });

  it("trailers are passed on, and an answer whose trailers would frame a body is none", async () => {
    let trailers = "X-Sum: 1\r\n";
    const server = createTcp((socket) => {
      socket.on("error", () => undefined);
      socket.on("data", () =>
        socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    rig.endpoints("odd", [(server.address() as { port: number }).port]);
    rig.ingress("trailers.test", { "/": "odd" });
    const ask = () => rig.raw("GET / HTTP/1.1\r\nHost: trailers.test\r\nConnection: close\r\n\r\n");
    assert.match(await ask(), /\r\n0\r\nx-sum: 1\r\n\r\n$/);
    trailers = "X-Sum: 1\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\n";
    assert.doesNotMatch(await ask(), /\r\n0\r\n[\s\S]*(length|encoding)/i);
    server.close();
  });

  it("a client of HTTP/2 that abandons what it asks costs nothing that stays", async () => {
    const ca = await rig.certificate("a.test");
    const session = connectHttp2(`https://127.0.0.1:${rig.https}`, { servername: "a.test", ca });
    session.on("error", () => undefined);
    for (let round = 0; round < 20; round++) {
      const streams = Array.from({ length: 100 }, () =>
        session.request({ ":authority": "a.test", ":path": "/public" }),
      );
      await Promise.all(
        streams.map(
          (stream) =>
            new Promise<void>((resolve) => {
              stream.on("error", () => undefined);
              stream.on("close", () => resolve());
              stream.close(8);
            }),
        ),
      );
    }
    const stream = session.request({ ":authority": "a.test", ":path": "/public" });
    const [headers] = await new Promise<IncomingHttpHeaders[]>((resolve, reject) => {
      stream.on("response", (one) => resolve([one]));
      stream.on("error", reject);
    });
    assert.equal(Number(headers?.[":status"]), 200);
    session.destroy();
  });
});
