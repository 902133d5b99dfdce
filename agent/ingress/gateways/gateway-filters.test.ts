import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { RouteFilter } from "../../../client/gateway/gateway-types.ts";
import { grpcRoute, httpRoute } from "../../../client/gateway/testing/gateway-objects.ts";
import { type GatewayAnswer, GatewayRig } from "../testing/gateway-rig.ts";
import type { ServingRig } from "../testing/serving-rig.ts";

const web = { name: "web", port: 80 };

describe("Gateway API: copies, retries, other sites and HTTP/2 without TLS", () => {
  let gateway: GatewayRig;
  let rig: ServingRig;
  beforeEach(async () => {
    gateway = await GatewayRig.open();
    rig = gateway.rig;
  });
  afterEach(() => rig.close());

  /** A backend that tells of each request when it has all of it. */
  async function told(
    name: string,
    answer = (_: IncomingMessage, response: ServerResponse) => void response.end(name),
  ) {
    const heard: string[] = [];
    const waiting: (() => void)[] = [];
    await rig.backend(name, async (request, response) => {
      answer(request, response);
      let body = "";
      try {
        for await (const bytes of request) body += bytes;
      } catch {
        body = "broken off";
      }
      heard.push(`${request.method} ${request.url} ${request.headers["x-set"] ?? "-"} ${body.length}`);
      for (const one of waiting.splice(0)) one();
    });
    const until = async (count: number) => {
      while (heard.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
      return heard;
    };
    return { heard, until };
  }
  const mirror = (name: string, more: object = {}): RouteFilter => ({
    type: "RequestMirror",
    requestMirror: { backendRef: { name, port: 80 }, ...more },
  });

  it("send copies of requests, with their bodies and edited headers, and answer as if there were none", async () => {
    await told("web", (request, response) => void request.pipe(response));
    const copies = [
      await told("one", (_, response) => void response.writeHead(500).end()),
      await told("two"),
    ];
    const set: RouteFilter = {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "x-set", value: "1" }] },
    };
    gateway.serve([{ filters: [set, mirror("one"), mirror("two")], backendRefs: [web] }]);
    const body = "x".repeat(300_000);
    for (const headers of [{ "content-length": body.length }, { "transfer-encoding": "chunked" }]) {
      const { status, text } = await gateway.ask("/a?b", { method: "POST", body, headers });
      assert.deepEqual([status, text.length], [200, body.length]);
    }
    await gateway.ask("/c");
    for (const { until } of copies)
      assert.deepEqual((await until(3)).sort(), ["GET /c 1 0", "POST /a?b 1 300000", "POST /a?b 1 300000"]);
  });

  it("answer whatever becomes of the copy", async () => {
    await told("web");
    rig.endpoints("gone", [1]);
    gateway.serve([{ filters: [mirror("none"), mirror("gone"), mirror("idle")], backendRefs: [web] }]);
    for (const body of [undefined, "body"])
      assert.equal((await gateway.ask("/", { method: "PUT", ...(body && { body }) })).text, "web");
  });

  it("give up a copy that takes the body too slowly", async () => {
    await told("web", (request, response) => void request.pipe(response));
    // It reads nothing.
    await rig.backend("slow", (request) => void request.pause());
    gateway.serve([{ filters: [mirror("slow")], backendRefs: [web] }]);
    const body = "x".repeat(16 * 1024 * 1024);
    const { text } = await gateway.ask("/", { method: "POST", body });
    assert.equal(text.length, body.length);
    assert.match(rig.said.join("\n"), /the mirror takes the request too slowly/);
  });

  it("send copies of so many requests as the route says", async () => {
    await told("web");
    const copy = await told("copy");
    for (const [more, least, most] of [
      [{ percent: 0 }, 0, 0],
      [{ fraction: { numerator: 0 } }, 0, 0],
      [{ fraction: { numerator: 1, denominator: 2 } }, 10, 50],
      [{ percent: 100 }, 60, 60],
    ] as const) {
      const before = copy.heard.length;
      gateway.serve([{ filters: [mirror("copy", more)], backendRefs: [web] }]);
      for (let at = 0; at < 60; at++) await gateway.ask("/");
      gateway.serve([{ filters: [mirror("copy")], backendRefs: [web] }]);
      await gateway.ask("/last");
      await copy.until(before + least + 1);
      const sent = copy.heard.length - before - 1;
      assert.ok(sent >= least && sent <= most, `${JSON.stringify(more)}: ${sent}`);
    }
  });

  it("ask a backend again for the statuses that the route names, so often and no more", async () => {
    const asked: string[] = [];
    await rig.backend("web", (request, response) => {
      asked.push(request.url ?? "");
      const { searchParams } = new URL(request.url ?? "", "http://a.test");
      response.statusCode =
        asked.length > Number(searchParams.get("after")) ? 200 : Number(searchParams.get("code"));
      response.end();
    });
    const cases = [
      ["/?code=500&after=2", 200, 3],
      ["/?code=500&after=9", 500, 4],
      ["/?code=503&after=2", 503, 1],
    ] as const;
    gateway.serve([{ retry: { codes: [500], attempts: 3, backoff: "1ms" }, backendRefs: [web] }]);
    for (const [path, status, times] of cases) {
      asked.length = 0;
      assert.deepEqual([(await gateway.ask(path)).status, asked.length], [status, times], path);
    }
    gateway.serve([{ backendRefs: [web] }]);
    asked.length = 0;
    assert.deepEqual([(await gateway.ask("/?code=500&after=2")).status, asked.length], [500, 1]);
  });

  it("ask again where a connection breaks, and where a backend takes too long, after a pause", async () => {
    const at: number[] = [];
    await rig.backend("web", (request, response) => {
      at.push(performance.now());
      if (at.length === 1) request.socket.destroy();
      else if (at.length > 2) response.end("at last");
    });
    gateway.serve([
      { retry: { backoff: "40ms", attempts: 3 }, timeouts: { backendRequest: "500ms" }, backendRefs: [web] },
    ]);
    assert.equal((await gateway.ask("/")).text, "at last");
    const [first = 0, second = 0, third = 0] = at;
    assert.ok(second - first >= 38, `${second - first} ms`);
    assert.ok(third - second >= 538, `${third - second} ms`);
    // All tries together take no longer than the request may.
    at.length = 1;
    gateway.serve([
      {
        retry: { backoff: "1h" },
        timeouts: { request: "500ms", backendRequest: "20ms" },
        backendRefs: [web],
      },
    ]);
    assert.equal((await gateway.ask("/")).status, 504);
    assert.ok(at.length <= 2, `${at.length - 1} tries`);
  });

  const preflight = { "access-control-request-method": "PUT", "access-control-request-headers": "x-a, x-b" };
  const cors = (allowed: NonNullable<RouteFilter["cors"]>): void =>
    gateway.serve([{ filters: [{ type: "CORS", cors: allowed }], backendRefs: [web] }]);
  const said = (headers: object) =>
    Object.fromEntries(
      Object.entries(headers).filter(([name]) => name.startsWith("access-control-") || name === "vary"),
    );

  it("tell other sites what they may, by the origins that the route names", async () => {
    await rig.backend("web", (_, response) => {
      response.setHeader("access-control-allow-origin", "https://of-the-backend.test");
      response.end();
    });
    cors({
      allowOrigins: ["https://www.foo.test", "https://*.bar.test", "http://odd.test:8080"],
      allowMethods: ["GET", "OPTIONS"],
      allowHeaders: ["x-a"],
      exposeHeaders: ["x-c", "x-d"],
      allowCredentials: true,
      maxAge: 3600,
    });
    const plain = (origin: string) => ({
      "access-control-allow-origin": origin,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "x-c, x-d",
      vary: "Origin",
    });
    for (const origin of [
      "https://www.foo.test",
      "https://www.foo.test:443",
      "https://x.bar.test",
      "https://y.x.bar.test",
      "http://odd.test:8080",
    ]) {
      const { status, headers } = await gateway.ask("/", {
        method: "OPTIONS",
        headers: { origin, ...preflight },
      });
      assert.equal(status, 204);
      assert.deepEqual(said(headers), {
        ...plain(origin),
        "access-control-allow-methods": "GET, OPTIONS",
        "access-control-allow-headers": "x-a",
        "access-control-max-age": "3600",
      });
      assert.deepEqual(said((await gateway.ask("/", { headers: { origin } })).headers), plain(origin));
    }
    for (const origin of [
      "https://foo.test",
      "http://www.foo.test",
      "https://bar.test",
      "https://xbar.test",
      "https://a/.bar.test",
      "http://odd.test",
      "null",
    ]) {
      const asked = await gateway.ask("/", { method: "OPTIONS", headers: { origin, ...preflight } });
      assert.deepEqual([asked.status, said(asked.headers)], [204, { vary: "Origin" }], origin);
    }
  });

  it("tell clients that bring credentials what they ask for, where everything is allowed", async () => {
    await told("web");
    const all = { allowOrigins: ["*"], allowMethods: ["*"], allowHeaders: ["*"], exposeHeaders: ["*"] };
    const ask = async () =>
      said(
        (
          await gateway.ask("/", {
            method: "OPTIONS",
            headers: { origin: "https://a.test", ...preflight },
          })
        ).headers,
      );
    cors({ ...all, allowCredentials: true });
    assert.deepEqual(await ask(), {
      vary: "Origin",
      "access-control-allow-origin": "https://a.test",
      "access-control-allow-credentials": "true",
      "access-control-allow-methods": "PUT",
      "access-control-allow-headers": "x-a, x-b",
      "access-control-max-age": "5",
    });
    cors(all);
    assert.deepEqual(await ask(), {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "*",
      "access-control-allow-headers": "*",
      "access-control-expose-headers": "*",
      "access-control-max-age": "5",
    });
  });

  it("keep a client with its backend by a cookie, as long as the route says", async () => {
    for (const name of ["one", "two"]) await told(name);
    const backendRefs = ["one", "two"].map((name) => ({ name, port: 80 }));
    const cookieOf = ({ headers }: GatewayAnswer) => headers["set-cookie"]?.[0] ?? "";
    for (const [sessionPersistence, cookie] of [
      [{}, /^gw-[0-9a-f]{16}=[0-9a-f]{32}; Path=\/; HttpOnly$/],
      [
        { sessionName: "s", absoluteTimeout: "1h", cookieConfig: { lifetimeType: "Permanent" } },
        /^s=[0-9a-f]{32}\.[0-9a-z]+; Path=\/; Max-Age=3600; HttpOnly$/,
      ],
    ] as const) {
      gateway.serve([{ sessionPersistence, backendRefs }]);
      const first = await gateway.ask("/");
      assert.match(cookieOf(first), cookie);
      const headers = { cookie: cookieOf(first).split(";")[0] };
      for (let at = 0; at < 20; at++) {
        const again = await gateway.ask("/", { headers });
        assert.deepEqual([again.text, again.headers["set-cookie"]], [first.text, undefined]);
      }
    }
    // One that had its time, and one from the future, are none.
    const [token] = cookieOf(await gateway.ask("/"))
      .replace("s=", "")
      .split(".");
    const nowSeconds = Math.floor(Date.now() / 1000);
    for (const since of [nowSeconds - 3_601, nowSeconds + 3_600]) {
      const headers = { cookie: `s=${token}.${since.toString(36)}` };
      assert.notEqual(cookieOf(await gateway.ask("/", { headers })), "");
    }
  });

  it("speak HTTP/2 without TLS to clients that begin with it, gRPC too, and HTTP/1.1 to others", async () => {
    await told("web");
    await rig.grpcBackend("grpc", (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.pipe(stream);
    });
    gateway.serveRoutes([
      httpRoute("r", { hostnames: ["a.test"], rules: [{ backendRefs: [web] }] }),
      grpcRoute("g", {
        hostnames: ["g.test"],
        rules: [{ matches: [{ method: { service: "s" } }], backendRefs: [{ name: "grpc", port: 80 }] }],
      }),
    ]);
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
    try {
      const over2 = async (host: string, path: string, method: string) => {
        const stream = session.request({
          ":authority": host,
          ":path": path,
          ":method": method,
          te: "trailers",
        });
        let status: unknown;
        stream.on("trailers", (trailers) => {
          status = trailers["grpc-status"];
        });
        stream.end(method === "POST" ? "body" : undefined);
        const [headers] = await once(stream, "response");
        let text = "";
        for await (const bytes of stream) text += bytes;
        return [headers[":status"], text, status];
      };
      assert.deepEqual(await over2("a.test", "/", "GET"), [200, "web", undefined]);
      assert.deepEqual(await over2("g.test", "/s/Method", "POST"), [200, "body", "0"]);
    } finally {
      session.destroy();
    }
    assert.equal((await gateway.ask("/")).text, "web");
    const halves = connect({ port: gateway.port, host: "127.0.0.1", noDelay: true });
    const rest = "UT / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    halves.write("P", () => setImmediate(() => halves.write(rest)));
    let answer = "";
    for await (const bytes of halves) answer += bytes;
    assert.match(answer, /^HTTP\/1.1 200 [\s\S]*web$/);
  });
});
