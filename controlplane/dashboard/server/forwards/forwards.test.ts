import assert from "node:assert/strict";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Server as TcpServer } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { cookieOf, headersFromPod, headersToPod } from "./headers.ts";
import { enterPath, ForwardListener } from "./listener.ts";
import { podBehind, readTarget } from "./target.ts";

describe("the dashboard's forwards", () => {
  it("take from a request what is the browser's and ours, and from an answer what would reach beyond it", () => {
    const cookie = "a=1; pintle-forward=secret; pintle-8001=other; b=2";
    assert.equal(cookieOf(cookie), "secret");
    assert.equal(cookieOf("x-pintle-forward=1"), undefined);
    const sent = {
      host: "h",
      cookie,
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      te: "trailers",
      accept: "*/*",
    };
    assert.deepEqual(headersToPod(sent, false), { host: "h", accept: "*/*", cookie: "a=1; b=2" });
    assert.deepEqual(headersToPod({ host: "h", cookie: "pintle-forward=secret" }, false), { host: "h" });
    assert.deepEqual(headersToPod({ host: "h", upgrade: "websocket", connection: "Upgrade" }, true), {
      host: "h",
      connection: "Upgrade",
      upgrade: "websocket",
    });
    const answered = {
      "content-type": "text/html",
      "clear-site-data": '"cookies"',
      "transfer-encoding": "chunked",
      "set-cookie": ["a=1", "pintle-8001=; Max-Age=0", " pintle-forward=x"],
    };
    assert.deepEqual(headersFromPod(answered, false), { "content-type": "text/html", "set-cookie": ["a=1"] });
  });

  it("lead to ports of pods and services, and to nothing else", () => {
    const target = { kind: "service", namespace: "n", name: "s", port: 80, scheme: "http" } as const;
    assert.deepEqual(readTarget({ ...target, more: 1 }), target);
    for (const wrong of [
      { kind: "node" },
      { name: "../x" },
      { namespace: "" },
      { port: 0 },
      { port: 65_536 },
      { port: "80" },
      { scheme: "file" },
    ])
      assert.throws(() => readTarget({ ...target, ...wrong }), TypeError, JSON.stringify(wrong));
    const service = {
      spec: {
        ports: [
          { name: "http", port: 80 },
          { name: "dns", port: 53, protocol: "UDP" },
        ],
      },
    };
    const slice = {
      ports: [{ name: "http", port: 8080 }],
      endpoints: [
        { conditions: { ready: false }, targetRef: { kind: "Pod", name: "sick" } },
        { conditions: { ready: true }, targetRef: { kind: "Pod", name: "well" } },
      ],
    };
    assert.deepEqual(podBehind(target, service, [slice]), { namespace: "n", name: "well", port: 8080 });
    assert.throws(() => podBehind(target, service, []), /no ready pod behind port 80/);
    assert.throws(() => podBehind({ ...target, port: 81 }, service, [slice]), /no port 81/);
    assert.throws(() => podBehind({ ...target, port: 53 }, service, [slice]), /UDP/);
  });

  describe("listen on an address of their own", () => {
    let pod: Server;
    let seen: IncomingMessage[];
    let listener: ForwardListener;
    let codes: string[];
    let isLive: boolean;

    before(async () => {
      pod = createServer((request, response) => {
        seen.push(request);
        if (request.method === "POST") request.pipe(response);
        else response.setHeader("set-cookie", ["pod=1", "pintle-8001=x"]).end(`pod ${request.url}`);
      });
      const sockets = new WebSocketServer({ noServer: true });
      pod.on("upgrade", (request, socket, head) => {
        seen.push(request);
        sockets.handleUpgrade(request, socket, head, (opened) =>
          opened.on("message", (data) => opened.send(`echo ${data}`)),
        );
      });
      await new Promise<void>((resolve) => pod.listen(0, "127.0.0.1", () => resolve()));
    });
    after(() => {
      pod.closeAllConnections();
      pod.close();
    });
    beforeEach(async () => {
      seen = [];
      codes = ["good"];
      isLive = true;
      listener = await ForwardListener.open(
        { label: "f-1", scheme: "http" },
        {
          redeem: (code) => (codes.splice(0).includes(code) ? "cookie" : undefined),
          isCookie: (value) => isLive && value === "cookie",
          connect: async () => connect((pod.address() as AddressInfo).port, "127.0.0.1"),
          used: () => undefined,
        },
      );
    });
    afterEach(() => listener.close());

    function ask(path: string, headers: Record<string, string> = {}, method = "GET", body = "") {
      const { host, port } = new URL(listener.origin);
      return new Promise<{ code: number | undefined; headers: IncomingMessage["headers"]; text: string }>(
        (resolve, reject) => {
          const request = httpRequest(
            { host: "127.0.0.1", port, path, method, headers: { host, ...headers }, agent: false },
            async (answer) => {
              let text = "";
              for await (const piece of answer.setEncoding("utf8")) text += piece;
              resolve({ code: answer.statusCode, headers: answer.headers, text });
            },
          );
          request.once("error", reject).end(body);
        },
      );
    }
    const inside = { cookie: "pintle-forward=cookie; own=1" };

    it("that lets a browser in by a link, once", async () => {
      assert.match(listener.origin, /^http:\/\/f-1\.localhost:\d+$/);
      assert.equal((await ask(`${enterPath}?code=bad`)).code, 403);
      codes = ["good"];
      const entered = await ask(`${enterPath}?code=good`);
      assert.equal(entered.code, 303);
      assert.equal(entered.headers.location, "/");
      assert.match(
        String(entered.headers["set-cookie"]),
        /^pintle-forward=cookie; Path=\/; HttpOnly; SameSite=Lax$/,
      );
      assert.equal((await ask(`${enterPath}?code=good`)).code, 403);
      assert.equal(seen.length, 0);
    });

    it("and answers nobody else", async () => {
      assert.equal((await ask("/x")).code, 403);
      assert.equal((await ask("/x", { cookie: "pintle-forward=wrong" })).code, 403);
      assert.equal((await ask("/x", { ...inside, host: "127.0.0.1" })).code, 403);
      assert.equal((await ask("/x", { ...inside, host: "evil.example" })).code, 403);
      assert.equal((await ask("/x", { ...inside, "sec-fetch-site": "cross-site" })).code, 403);
      isLive = false;
      assert.equal((await ask("/x", inside)).code, 403);
      assert.equal(seen.length, 0);
    });

    it("passes on what a browser asks and what a pod answers, without our secrets", async () => {
      const answer = await ask("/a?b=c", {
        ...inside,
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
      });
      assert.equal(answer.text, "pod /a?b=c");
      assert.deepEqual(answer.headers["set-cookie"], ["pod=1"]);
      assert.equal(seen[0]?.headers.cookie, "own=1");
      assert.equal((await ask("/", inside, "POST", "body".repeat(50_000))).text.length, 200_000);
    });

    it("passes WebSockets of its own pages", async () => {
      const open = (origin: string) =>
        new WebSocket(`ws://127.0.0.1:${new URL(listener.origin).port}/socket`, {
          headers: { ...inside, host: new URL(listener.origin).host },
          origin,
        });
      const stranger = open("http://127.0.0.1:8001");
      assert.match(String(await new Promise((resolve) => stranger.once("error", resolve))), /403/);
      const socket = open(listener.origin);
      const [text] = await new Promise<[string]>((resolve, reject) => {
        socket.once("error", reject);
        socket.once("open", () => socket.send("hello"));
        socket.once("message", (data) => resolve([String(data)]));
      });
      assert.equal(text, "echo hello");
      assert.equal(seen[0]?.headers.cookie, "own=1");
      socket.terminate();
    });

    it("says that the pod does not answer", async () => {
      const gone = createServer();
      await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", () => resolve()));
      const { port } = gone.address() as AddressInfo;
      await new Promise((resolve) => (gone as TcpServer).close(resolve));
      listener.close();
      listener = await ForwardListener.open(
        { label: "f-2", scheme: "http" },
        {
          redeem: () => undefined,
          isCookie: () => true,
          connect: async () => connect(port, "127.0.0.1"),
          used: () => undefined,
        },
      );
      const answer = await ask("/", inside);
      assert.equal(answer.code, 502);
      assert.match(answer.text, /The pod does not answer/);
    });
  });
});
