import assert from "node:assert/strict";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Server as TcpServer } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../../../base/os/clock.ts";
import { createLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import type { Assets } from "./assets.ts";
import { readWish } from "./follow.ts";
import { type Dashboard, serveDashboard } from "./serve-dashboard.ts";

interface Answer {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

describe("the dashboard's server", () => {
  let api: Server;
  let dashboard: Dashboard;
  let seen: IncomingMessage[];
  let answerLogs: (end: () => void, write: (text: string) => void) => void;

  before(async () => {
    api = createServer((request, response) => {
      seen.push(request);
      const { url = "" } = request;
      if (url.endsWith("/selfsubjectreviews")) {
        const isKnown = request.headers.authorization !== "Bearer wrong";
        response.writeHead(isKnown ? 201 : 401, { "content-type": "application/json" });
        response.end(
          JSON.stringify(
            isKnown
              ? { status: { userInfo: { username: "jo", groups: ["g"] } } }
              : { message: "Unauthorized" },
          ),
        );
      } else if (url.startsWith("/api/v1/lines")) {
        response.writeHead(200);
        answerLogs(
          () => response.end(),
          (text) => response.write(text),
        );
      } else if (url.startsWith("/api/v1/no"))
        response.writeHead(403).end(JSON.stringify({ message: "you may not" }));
      else
        response
          .writeHead(200, { "content-type": "application/json", "set-cookie": "a=b" })
          .end('{"kind":"PodList"}');
    });
    const sockets = new WebSocketServer({ noServer: true });
    api.on("upgrade", (request, socket, head) => {
      seen.push(request);
      sockets.handleUpgrade(request, socket, head, (opened) =>
        opened.on("message", (data) => opened.send(`echo ${data}`)),
      );
    });
    await new Promise<void>((resolve) => api.listen(0, "127.0.0.1", () => resolve()));
    const assets = {
      serve: async (_path: string, _request: unknown, response: { end(text: string): void }) => {
        response.end("page");
        return true;
      },
    } as unknown as Assets;
    dashboard = await serveDashboard(
      {
        address: "127.0.0.1",
        port: 0,
        allowedHosts: ["pintle.example:443"],
        cluster: { servers: [`http://127.0.0.1:${portOf(api)}`], token: "local", namespace: "default" },
        tokens: true,
        linkSecret: "of-the-folder",
      },
      { assets, clock: systemClock, random: systemRandom, log: createLog({ write: () => undefined }) },
    );
  });
  beforeEach(() => {
    seen = [];
  });
  after(async () => {
    await dashboard.close();
    api.closeAllConnections();
    await new Promise((resolve) => api.close(resolve));
  });

  const portOf = (server: TcpServer) => (server.address() as AddressInfo).port;

  function ask(
    path: string,
    headers: Record<string, string> = {},
    method = "GET",
    body?: string,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const url = new URL(path, dashboard.url);
      const outgoing = httpRequest(url, { method, headers, agent: false }, (answer) => {
        let text = "";
        answer.on("data", (piece) => (text += piece));
        answer.on("end", () => resolve({ code: answer.statusCode ?? 0, headers: answer.headers, text }));
      });
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** Cookie and key of a new session, as headers. */
  async function enter(
    by: object = { code: dashboard.link().split("#code=")[1] },
  ): Promise<Record<string, string>> {
    const answer = await ask("/session", {}, "POST", JSON.stringify(by));
    assert.equal(answer.code, 200, answer.text);
    const [cookie = ""] = answer.headers["set-cookie"] ?? [];
    assert.match(cookie, /^pintle-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    return { cookie: cookie.split(";")[0] ?? "", "x-pintle-key": JSON.parse(answer.text).key };
  }

  it("a link signs one person in, as the kubeconfig's user", async () => {
    const secrets = await enter();
    const { code, text } = await ask("/cluster/api/v1/pods?limit=5", secrets);
    assert.equal(code, 200);
    assert.equal(text, '{"kind":"PodList"}');
    assert.equal(seen[0]?.url, "/api/v1/pods?limit=5");
    assert.equal(seen[0]?.headers.authorization, "Bearer local");
    assert.equal(JSON.parse((await ask("/session", secrets)).text).user.username, "jo");
  });

  it("a link is good once", async () => {
    const code = dashboard.link().split("#code=")[1];
    await enter({ code });
    const again = await ask("/session", {}, "POST", JSON.stringify({ code }));
    assert.equal(again.code, 401);
    assert.match(again.text, /pintle dashboard/);
  });

  it("who shows the secret gets a link, and nobody else", async () => {
    const asked = await ask("/links", { authorization: "Bearer of-the-folder" }, "POST");
    await enter({ code: JSON.parse(asked.text).link.split("#code=")[1] });
    for (const headers of [{}, { authorization: "Bearer x" }, { authorization: "" }, await enter()])
      assert.equal((await ask("/links", headers as Record<string, string>, "POST")).code, 403);
  });

  it("neither the cookie alone nor the key alone counts", async () => {
    const { cookie = "", "x-pintle-key": key = "" } = await enter();
    for (const part of [{}, { cookie }, { "x-pintle-key": key }, { cookie, "x-pintle-key": `${key}x` }])
      assert.equal((await ask("/cluster/api/v1/pods", part as Record<string, string>)).code, 401);
    assert.deepEqual(seen, []);
  });

  it("what a browser says of who asks does not reach the API server, and its cookies do not come back", async () => {
    const secrets = await enter();
    const { headers } = await ask("/cluster/api/v1/pods", {
      ...secrets,
      authorization: "Bearer mine",
      "impersonate-user": "root",
      "x-remote-user": "root",
      accept: "text/x",
    });
    const [request] = seen;
    assert.equal(request?.headers.authorization, "Bearer local");
    assert.equal(request?.headers["impersonate-user"], undefined);
    assert.equal(request?.headers["x-remote-user"], undefined);
    assert.equal(request?.headers.cookie, undefined);
    assert.equal(request?.headers["x-pintle-key"], undefined);
    assert.equal(request?.headers.accept, "text/x");
    assert.equal(headers["set-cookie"], undefined);
    assert.match(String(headers["content-security-policy"]), /script-src 'self';/);
  });

  it("other hosts' names, other origins and other sites are refused", async () => {
    const secrets = await enter();
    const port = new URL(dashboard.url).port;
    const refused: Record<string, string>[] = [
      { host: `evil.example:${port}` },
      { origin: "http://evil.example" },
      { origin: `http://127.0.0.1:${Number(port) + 1}` },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" },
    ];
    for (const headers of refused)
      assert.equal(
        (await ask("/cluster/api/v1/pods", { ...secrets, ...headers })).code,
        403,
        JSON.stringify(headers),
      );
    assert.deepEqual(seen, []);
    assert.equal((await ask("/cluster/api/v1/pods", { ...secrets, host: "pintle.example:443" })).code, 200);
    assert.equal(
      (await ask("/", { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" })).text,
      "page",
    );
  });

  it("a token signs in as its owner; one that the API server does not know is refused in its words", async () => {
    const secrets = await enter({ token: "my-own" });
    seen = [];
    await ask("/cluster/api/v1/pods", secrets);
    assert.equal(seen[0]?.headers.authorization, "Bearer my-own");
    const wrong = await ask("/session", {}, "POST", JSON.stringify({ token: "wrong" }));
    assert.equal(wrong.code, 401);
    assert.match(wrong.text, /Unauthorized/);
    const odd = await ask("/session", {}, "POST", JSON.stringify({ token: "a\nb" }));
    assert.equal(odd.code, 400);
  });

  it("who left has no session", async () => {
    const secrets = await enter();
    assert.equal((await ask("/session", secrets, "DELETE")).code, 200);
    assert.equal((await ask("/cluster/api/v1/pods", secrets)).code, 401);
  });

  it("only the API's methods pass, and only what lies under /cluster/", async () => {
    const secrets = await enter();
    assert.equal((await ask("/cluster/api/v1/pods", secrets, "TRACE")).code, 405);
    assert.equal((await ask("/clusterx/api", secrets)).text, "page");
  });

  function open(
    path: string,
    secrets: Record<string, string>,
    protocols: readonly string[],
    origin = dashboard.url,
  ) {
    const key = `pintle.key.${secrets["x-pintle-key"]}`;
    return new WebSocket(dashboard.url.replace("http", "ws") + path, [...protocols, key], {
      headers: { cookie: secrets.cookie ?? "" },
      origin,
    });
  }

  it("a WebSocket goes through to the API server without the key", async () => {
    const socket = open("/cluster/api/v1/namespaces/a/pods/b/exec?command=sh", await enter(), [
      "v5.channel.k8s.io",
    ]);
    const [text] = await new Promise<[string]>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => socket.send("hello"));
      socket.once("message", (data) => resolve([String(data)]));
    });
    assert.equal(text, "echo hello");
    assert.equal(socket.protocol, "v5.channel.k8s.io");
    const request = seen.find(({ url }) => url?.includes("exec"));
    assert.equal(request?.headers["sec-websocket-protocol"], "v5.channel.k8s.io");
    assert.equal(request?.headers.authorization, "Bearer local");
    socket.terminate();
  });

  it("a WebSocket of another origin is refused, and one without a session", async () => {
    const secrets = await enter();
    for (const socket of [
      open("/follow", secrets, ["pintle.follow.v1"], "http://evil.example"),
      open("/follow", { ...secrets, "x-pintle-key": "x" }, ["pintle.follow.v1"]),
    ]) {
      const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
      assert.match(error.message, /403/);
    }
  });

  /** What a follower hears until the stream of number 1 ends. */
  async function heard(path: string): Promise<readonly string[]> {
    const socket = open("/follow", await enter(), ["pintle.follow.v1"]);
    const texts: string[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.once("open", () => socket.send(JSON.stringify({ open: 1, path })));
      socket.on("message", (data) => {
        texts.push(String(data));
        if (String(data).startsWith("1 end")) resolve();
      });
    });
    socket.terminate();
    return texts;
  }

  it("lines come whole, however they were cut", async () => {
    answerLogs = (end, write) => {
      const bytes = ["one\ntw", "o\nthr", "ee ", "€\nlast"];
      const next = () => {
        const piece = bytes.shift();
        if (piece === undefined) return end();
        write(piece);
        setImmediate(next);
      };
      next();
    };
    const texts = await heard("/api/v1/lines");
    assert.equal(texts[0], "1 open\n");
    const lines = texts
      .filter((text) => text.startsWith("1 lines\n"))
      .flatMap((text) => text.slice(8).split("\n"));
    assert.deepEqual(lines, ["one", "two", "three €", "last"]);
    assert.equal(texts.at(-1), '1 end\n{"code":200,"message":""}');
  });

  it("a refusal comes in the API server's words", async () => {
    assert.deepEqual(await heard("/api/v1/no"), ['1 end\n{"code":403,"message":"you may not"}']);
  });

  it("what is not of the protocol is no wish", () => {
    const wrong = [
      "",
      "[]",
      "{}",
      '{"open":1}',
      '{"open":-1,"path":"/api/v1/pods"}',
      '{"open":1,"path":"/healthz"}',
      '{"open":1,"path":"http://evil.example/api/"}',
      '{"open":1,"path":"/api/v1/pods HTTP/1.1"}',
      '{"open":1,"path":"/api/v1/pods","accept":"a\\r\\nb: c"}',
      '{"close":"1"}',
    ];
    for (const text of wrong) assert.equal(readWish(text), undefined, text);
    assert.deepEqual(readWish('{"close":3}'), { close: 3 });
    assert.deepEqual(readWish('{"open":3,"path":"/apis/apps/v1/x?watch=1"}'), {
      open: 3,
      path: "/apis/apps/v1/x?watch=1",
      accept: "application/json",
    });
  });
});
