import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { text } from "node:stream/consumers";
import { gunzipSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { WebSocket, WebSocketServer } from "ws";
import type { AgentServer } from "../../../agent/server/server.ts";
import { startTestNode, testNode } from "../reach/testing.ts";
import { startTestApiserver, type TestApiserver, testProtocol } from "../testing.ts";
import { testTransport } from "../testing-exchange.ts";
import { rewriteHtml, rewriteUrl } from "./proxy-rewrite.ts";

const podIp = "127.128.9.9";
const ns = "/api/v1/namespaces/default";

describe("proxies of pods, services and nodes", () => {
  let server: TestApiserver;
  let agent: AgentServer;
  let backend: Server;
  let port: number;
  const page = '<a href="/x">x</a>';
  before(async () => {
    server = await startTestApiserver();
    const sandbox = {
      id: "s",
      pod: { namespace: "default", name: "p", uid: "u" },
      attempt: 0,
      state: "ready",
      createdAtMs: 0,
      podIp,
    };
    agent = await startTestNode(server.authority, {
      runtime: { listPodSandboxes: () => [sandbox], listContainers: () => [] } as never,
    });
    backend = createServer(async (request, response) => {
      const { url = "", method, headers } = request;
      response.setHeader("Access-Control-Allow-Origin", "*");
      response.setHeader("X-Own", "kept");
      if (url === "/redirect") return void response.writeHead(302, { Location: "/there?a=b" }).end();
      if (url === "/page")
        return void response.setHeader("Content-Type", "text/html; charset=utf-8").end(page);
      if (url === "/packed")
        return void response
          .writeHead(200, { "Content-Type": "text/html", "Content-Encoding": "gzip" })
          .end(gzipSync(page));
      if (url === "/teapot") return void response.writeHead(418).end("short and stout");
      if (url === "/echo") return void request.pipe(response);
      const body = await text(request);
      response.end(JSON.stringify({ method, url, headers, body }));
    });
    const sockets = new WebSocketServer({ server: backend });
    sockets.on("connection", (socket) => socket.on("message", (data) => socket.send(`heard ${data}`)));
    await once(backend.listen(0, podIp), "listening");
    port = (backend.address() as AddressInfo).port;
    await put("/api/v1/nodes", testNode("n1", agent.port));
    const pod = (name: string, ip: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { nodeName: "n1", containers: [{ name: "c", image: "i", ports: [{ containerPort: port }] }] },
      status: { podIP: ip, podIPs: [{ ip }], phase: "Running" },
    });
    await put(`${ns}/pods`, pod("p", podIp));
    await put(`${ns}/pods`, pod("link", "169.254.169.254"));
    await put(`${ns}/pods`, pod("other", "127.0.0.1"));
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "web" } };
    await server.admin.call("POST", `${ns}/services`, {
      body: { ...service, spec: { ports: [{ name: "h", port: 80 }] } },
    });
    await server.admin.call("POST", `${ns}/endpoints`, {
      body: {
        ...service,
        kind: "Endpoints",
        subsets: [
          {
            addresses: [
              { ip: "127.128.9.8" },
              { ip: podIp, targetRef: { kind: "Pod", namespace: "default", name: "p" } },
            ],
            ports: [{ name: "h", port }],
          },
        ],
      },
    });
  });
  after(async () => {
    await server.stop();
    await agent.close();
    backend.closeAllConnections();
    backend.close();
  });
  const put = async (path: string, body: { metadata: { name: string } }) => {
    await server.admin.call("POST", path, { body });
    const { code } = await server.admin.call("PUT", `${path}/${body.metadata.name}/status`, { body });
    assert.equal(code, 200);
  };
  const get = (path: string, options = {}) => server.admin.call("GET", path, options);

  it("pass every method on with path, query and body as they came, to pods by port and to services by port or name", async () => {
    for (const name of [
      "pods/p",
      `pods/p:${port}`,
      `pods/http:p:${port}`,
      "services/web:80",
      "services/web:h",
      "services/http:web:h",
    ])
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) {
        const body = method === "GET" ? undefined : "the body";
        const path = `${ns}/${name}/proxy/a%2Fb//c%20d/?q=1&q=%26`;
        const answer = await server.admin.call(method, path, { body, type: "text/plain" });
        assert.equal(answer.code, 200, answer.text);
        const { method: saw, url, body: sawBody } = JSON.parse(answer.text);
        assert.deepEqual([saw, url, sawBody], [method, "/a%2Fb//c%20d/?q=1&q=%26", body ?? ""], name);
      }
    const head = await server.admin.call("HEAD", `${ns}/pods/p/proxy/x`);
    assert.deepEqual([head.code, head.text], [200, ""]);
    assert.equal((await get(`${ns}/pods/p/proxy/teapot`)).code, 418);
  });

  for (const protocol of ["HTTP/1.1", "HTTP/2"] as const)
    for (const method of ["GET", "DELETE", "PUT"])
      it(`keep the body of a ${method} of ${protocol} within its request, whose length nobody says`, async () => {
        const transport = testTransport(protocol, server.place);
        const inside = "POST /inside HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
        const answer = await transport.ask({
          method,
          path: `${ns}/pods/p/proxy/outside`,
          headers: protocol === "HTTP/1.1" ? { "transfer-encoding": "chunked" } : {},
          body: inside,
        });
        const { url, body } = JSON.parse(await text(answer.body));
        assert.deepEqual([url, body], ["/outside", inside]);
        transport.close();
      });

  it("keep credentials to themselves, say who asked, and take back what opens a page to other origins", async () => {
    const headers = {
      Authorization: "Bearer secret",
      "X-Custom": "kept",
      // HTTP/2 knows no headers that go no further.
      ...(testProtocol() === "HTTP/1.1" && { Connection: "close, X-Hop", "X-Hop": "gone" }),
      "X-Forwarded-For": "10.0.0.1",
      "Impersonate-User": "jane",
    };
    const jane = await get(`${ns}/pods/p/proxy/x`, { headers });
    assert.equal(jane.code, 403);
    const { "Impersonate-User": _, ...rest } = headers;
    const { Authorization: __, ...mine } = rest;
    const answer = await get(`${ns}/pods/p/proxy/x/`, { headers: mine });
    const saw = JSON.parse(answer.text).headers;
    for (const gone of ["authorization", "x-hop", "impersonate-user"])
      assert.equal(saw[gone], undefined, gone);
    assert.deepEqual(
      [saw["x-custom"], saw["x-forwarded-for"], saw["x-forwarded-uri"]],
      ["kept", "10.0.0.1, 127.0.0.1", `${ns}/pods/p/proxy/x/`],
    );
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
    assert.equal(answer.headers["x-own"], "kept");
  });

  it("send who asks for no path to one, and make redirects and links of pages lead through them", async () => {
    const bare = await get(`${ns}/services/web:80/proxy?a=b`);
    assert.deepEqual([bare.code, bare.headers.location], [301, `${ns}/services/web:80/proxy/?a=b`]);
    const redirect = await get(`${ns}/services/web:80/proxy/redirect`);
    assert.deepEqual(
      [redirect.code, redirect.headers.location],
      [302, `${ns}/services/web:80/proxy/there?a=b`],
    );
    const rewritten = `<a href="${ns}/pods/p/proxy/x">x</a>`;
    assert.equal((await get(`${ns}/pods/p/proxy/page`)).text, rewritten);
    const packed = await fetchBytes(`${ns}/pods/p/proxy/packed`);
    assert.equal(gunzipSync(packed).toString(), rewritten);
  });

  const credentials = async () => {
    const { users } = JSON.parse(await readFile(server.kubeconfig, "utf8"));
    const pem = (name: string) => Buffer.from(users[0].user[name], "base64");
    return {
      ca: server.authority.certificatePem,
      cert: pem("client-certificate-data"),
      key: pem("client-key-data"),
    };
  };
  const fetchBytes = async (path: string) => {
    const { request } = await import("node:https");
    const asking = request(`${server.url}${path}`, await credentials()).end();
    const [answer] = await once(asking, "response");
    const pieces: Buffer[] = [];
    for await (const piece of answer) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  it("carry both directions at once, and connections that leave HTTP", async () => {
    const { request } = await import("node:https");
    const asking = request(`${server.url}${ns}/pods/p/proxy/echo`, {
      ...(await credentials()),
      method: "POST",
    });
    asking.write("one");
    const [answer] = await once(asking, "response");
    assert.equal(String((await once(answer, "data"))[0]), "one");
    asking.end("two");
    assert.equal(String((await once(answer, "data"))[0]), "two");
    const socket = new WebSocket(
      `${server.url.replace("https", "wss")}${ns}/services/web:h/proxy/ws`,
      await credentials(),
    );
    await once(socket, "open");
    socket.send("me");
    assert.equal(String((await once(socket, "message"))[0]), "heard me");
    socket.close();
    await once(socket, "close");
  });

  it("refuse addresses that only the API server, or only the node, could reach", async () => {
    const refused = async (path: string) => {
      const { code, body } = await get(path);
      return [code, body.message];
    };
    assert.deepEqual(await refused(`${ns}/pods/link/proxy/x`), [400, "address not allowed"]);
    const [code, message] = await refused(`${ns}/pods/other/proxy/x`);
    assert.equal(code, 503);
    assert.match(message, /127\.0\.0\.1 is no address of a pod of this node/);
    assert.deepEqual(await refused("/api/v1/nodes/n1:22/proxy/x"), [400, "address not allowed"]);
  });

  it("say in Kubernetes' words what cannot be reached", async () => {
    const closed = connect(1, podIp);
    await once(closed, "error");
    for (const [path, code, message] of [
      ["pods/none/proxy/", 404, 'pods "none" not found'],
      ["pods/ftp:p:1/proxy/", 400, 'invalid pod request "ftp:p:1"'],
      [
        "pods/p:1/proxy/",
        503,
        `error trying to reach service: dial tcp ${podIp}:1: connect: connection refused`,
      ],
      ["services/none:80/proxy/", 404, 'services "none" not found'],
      ["services/none/proxy/", 404, 'services "none" not found'],
      ["services/web:81/proxy/", 503, 'no service port 81 found for service "web"'],
      ["services/web:x/proxy/", 503, 'no endpoints available for service "web:x"'],
      ["services/:web:x:y/proxy/", 400, 'invalid service request ":web:x:y"'],
    ] as const) {
      const { code: got, body } = await get(`${ns}/${path}`);
      assert.deepEqual([got, body?.message], [code, message]);
    }
  });

  it("reach a node's agent as the API server, for who may proxy nodes", async () => {
    const answer = await get("/api/v1/nodes/n1/proxy/pods");
    assert.deepEqual([answer.code, JSON.parse(answer.text).kind], [200, "PodList"]);
    assert.equal((await get(`/api/v1/nodes/n1:${agent.port}/proxy/healthz`)).text, "ok");
    const jane = await server.clientFor("jane");
    for (const [method, verb] of [
      ["GET", "get"],
      ["POST", "create"],
      ["PUT", "update"],
      ["DELETE", "delete"],
    ] as const) {
      const { code, body } = await jane.call(method, "/api/v1/nodes/n1/proxy/pods");
      assert.equal(code, 403);
      assert.match(body.message, new RegExp(`cannot ${verb} resource "nodes/proxy"`));
    }
    assert.equal((await get("/api/v1/nodes/none/proxy/pods")).code, 404);
  });
});

describe("links of a page behind a proxy", () => {
  const seen = { prefix: "/p", place: "10.1.2.3:80", askedHost: "localhost:8001" };
  it("lead through it where they are of the same host", () => {
    for (const [link, rewritten] of [
      ["/x", "/p/x"],
      ["/x/?a=b#c", "/p/x/?a=b#c"],
      ["http://10.1.2.3:80/x", "/p/x"],
      ["//localhost:8001/x", "//localhost:8001/p/x"],
      ["http://localhost:8001/x", "http://localhost:8001/p/x"],
      ["http://example.com/x", "http://example.com/x"],
      ["x/y", "x/y"],
      ["/p/x", "/p/x"],
      ["mailto:a@b", "mailto:a@b"],
      ["/a/../../b", "/p/b"],
      ["", ""],
    ] as const)
      assert.equal(rewriteUrl(link, seen), rewritten);
  });

  it("are found in tags only, whatever the page is made of", () => {
    const html = `<A HREF='/x' title="/y"><img src=/i><script src="/s">a = "<a href='/no'>"</script><!-- <a href="/no"> --><p href="/no">`;
    assert.equal(
      rewriteHtml(html, seen),
      `<A HREF='/p/x' title="/y"><img src=/p/i><script src="/p/s">a = "<a href='/no'>"</script><!-- <a href="/no"> --><p href="/no">`,
    );
    const pieces = fc.constantFrom(
      "<a",
      " href=",
      '"',
      "'",
      "/x",
      ">",
      "<!--",
      "-->",
      "<script>",
      "</script>",
      "=",
      " ",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (all) => {
        const page = all.join("");
        assert.equal(rewriteHtml(page, { ...seen, prefix: "" }).length <= page.length, true);
      }),
    );
    for (const hostile of ["<a", '<a href="', "<a ' href=\"", "<a href='/x' ", "<!--", "<script>", ' href="'])
      rewriteHtml(hostile.repeat(200_000), seen);
  });
});
