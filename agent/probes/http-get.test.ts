import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import type { Container, Probe } from "../../client/types.ts";
import type { Runtime } from "../runtime/seam.ts";
import { httpGet } from "./http-get.ts";
import { runHook } from "./run-hook.ts";
import { runProbe } from "./run-probe.ts";

const container = { name: "c" } as Container;
const target = { containerId: "id", container, podIp: "127.0.0.1" };
type Get = NonNullable<Probe["httpGet"]>;

describe("a probe over HTTP", () => {
  let server: Server;
  let port: number;
  let asked: IncomingMessage[];
  let answer: RequestListener;
  beforeEach(async () => {
    asked = [];
    server = createServer((request, response) => {
      asked.push(request);
      answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const probe = (get: Partial<Get> = {}, timeoutMs = 10_000) =>
    runProbe({ httpGet: { port, path: "/", ...get } }, target, { timeoutMs }, {} as Runtime);
  const redirect =
    (code: number, location: (request: IncomingMessage) => string): RequestListener =>
    (request, response) => {
      if (request.url === "/ill") response.writeHead(500).end();
      else response.writeHead(code, { location: location(request) }).end("<a>Found</a>");
    };

  for (const code of [301, 302, 303, 307, 308])
    it(`follows a redirection (${code}) on the host: what it leads to counts`, async () => {
      answer = redirect(code, () => "/ill");
      assert.deepEqual(await probe({ path: "/well" }), {
        ok: false,
        message: "HTTP probe failed with statuscode: 500",
      });
      assert.deepEqual(
        asked.map(({ url }) => url),
        ["/well", "/ill"],
      );
    });

  it("follows one to another port of the host, and back", async () => {
    const other = createServer((_, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${port}/ill` }).end(),
    );
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", () => resolve()));
    answer = redirect(302, () => `http://127.0.0.1:${(other.address() as AddressInfo).port}/`);
    assert.equal((await probe()).ok, false);
    await new Promise((resolve) => other.close(resolve));
  });

  it("passes with a warning where one leads to another host, which is not asked", async () => {
    for (const elsewhere of ["http://0.0.0.0/", "//[::1]/", "ftp://example.com/"]) {
      answer = redirect(302, () => elsewhere);
      assert.deepEqual(await probe(), {
        ok: true,
        isWarning: true,
        message: "Probe terminated redirects, Response body: <a>Found</a>",
      });
    }
    assert.equal(asked.length, 3);
  });

  it("passes with a warning where a redirection leads nowhere", async () => {
    answer = (_, response) => response.writeHead(304).end();
    assert.equal((await probe()).isWarning, true);
  });

  it("fails after ten redirections, and where one leads to what is no place", async () => {
    answer = redirect(302, ({ url = "" }) => `${url}a`);
    assert.match(
      (await probe()).message,
      /^Get "http:\/\/127\.0\.0\.1:\d+\/a{10}": stopped after 10 redirects$/,
    );
    assert.equal(asked.length, 10);
    answer = redirect(302, () => "http://[/");
    assert.match((await probe()).message, /failed to parse Location header "http:\/\/\[\/"$/);
    answer = redirect(302, () => "ftp://127.0.0.1/");
    assert.match((await probe()).message, /unsupported protocol scheme "ftp"$/);
  });

  it("has one time for everything", async () => {
    answer = redirect(302, ({ url }) => url ?? "");
    let left = 3;
    const slow = answer;
    answer = (request, response) => (left-- > 0 ? slow(request, response) : undefined);
    const { ok, message } = await probe({}, 200);
    assert.equal(ok, false);
    assert.match(message, /context deadline exceeded \(Client\.Timeout exceeded while awaiting headers\)$/);
  });

  it("says nothing of a container whose answer does not come to its end, and needs no more than 10 KiB of it", async () => {
    answer = (_, response) => response.writeHead(200).write("begun");
    const { ok, isErrored, message } = await probe({}, 200);
    assert.deepEqual([ok, isErrored], [false, true]);
    assert.match(message, /while reading body\)$/);
    answer = (_, response) => response.writeHead(200).write("x".repeat(10 * 1024));
    assert.equal((await probe()).ok, true);
  });

  it("says nothing of a container that has no port of the name", async () => {
    assert.deepEqual(await probe({ port: "web" }), {
      ok: false,
      isErrored: true,
      message: `couldn't find a port named "web"`,
    });
  });

  it("sends a header as often as it stands, one less where it is empty, and none that is the connection's", async () => {
    answer = (_, response) => response.end();
    const header = (name: string, value: string) => ({ name, value });
    await probe({
      httpHeaders: [
        header("X-A", "1"),
        header("x-a", "2"),
        header("Accept", ""),
        header("User-Agent", ""),
        header("Content-Length", "5"),
        header("Host", "example.com"),
      ],
    });
    const { rawHeaders = [] } = asked[0] ?? {};
    const pairs = rawHeaders.flatMap((name, i) =>
      i % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[i + 1]}`] : [],
    );
    assert.deepEqual(pairs.sort(), ["connection: close", "host: example.com", "x-a: 1", "x-a: 2"]);
  });

  it("keeps a Host of the pod's own through a relative redirection alone", async () => {
    let relative = true;
    answer = redirect(302, () => (relative ? "/ill" : `http://127.0.0.1:${port}/ill`));
    const httpHeaders = [{ name: "Host", value: "example.com" }];
    await probe({ httpHeaders });
    relative = false;
    await probe({ httpHeaders });
    assert.deepEqual(
      asked.map(({ headers }) => headers.host),
      ["example.com", "example.com", "example.com", `127.0.0.1:${port}`],
    );
  });

  it("fails where plain HTTP answers to TLS; a hook is told so anyway, without its secret", async () => {
    answer = (_, response) => response.end();
    const { ok, message } = await probe({ scheme: "HTTPS" });
    assert.equal(ok, false);
    assert.match(message, /^Get "https:.*": http: server gave HTTP response to HTTPS client$/);
    const httpHeaders = ["Authorization", "X-B"].map((name) => ({ name, value: "secret" }));
    const hook = { httpGet: { port, path: "/told", scheme: "HTTPS", httpHeaders } };
    const told = await runHook(hook, target, { timeoutMs: 10_000 }, {} as never);
    assert.deepEqual(told, {
      ok: true,
      message: "",
      warning: {
        reason: "LifecycleHTTPFallback",
        message: `request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`,
      },
    });
    assert.deepEqual(
      [asked[0]?.url, asked[0]?.headers.authorization, asked[0]?.headers["x-b"]],
      ["/told", undefined, "secret"],
    );
  });

  it("has a hook wait for an answer's head alone", async () => {
    answer = (_, response) => response.writeHead(200).write("begun");
    const told = await runHook({ httpGet: { port, path: "/" } }, target, { timeoutMs: 10_000 }, {} as never);
    assert.equal(told.ok, true);
  });

  it("fails where the answer is not HTTP, or its connection breaks", async () => {
    const other = createTcpServer((socket) => socket.resume().end("SSH-2.0\r\n"));
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", () => resolve()));
    assert.equal((await probe({ port: (other.address() as AddressInfo).port })).ok, false);
    await new Promise((resolve) => other.close(resolve));
    answer = (request) => request.socket.destroy();
    assert.equal((await probe()).ok, false);
  });

  it("asks at addresses of IPv6, too", async function () {
    const other = createServer((_, response) => response.end());
    const listens = await new Promise<boolean>((resolve) => {
      other.once("error", () => resolve(false));
      other.listen(0, "::1", () => resolve(true));
    });
    if (!listens) return this.skip();
    const at = other.address() as AddressInfo;
    const options = {
      container,
      podIp: "::1",
      timeoutMs: 10_000,
      bodyBytesMost: 0,
      program: "kube-probe",
    } as const;
    assert.equal((await httpGet({ port: at.port }, options)).code, 200);
    await new Promise((resolve) => other.close(resolve));
    await assert.rejects(
      httpGet({ port: at.port }, options),
      new RegExp(
        `^Error: Get "http://\\[::1\\]:${at.port}/": dial tcp \\[::1\\]:${at.port}: connect: connection refused$`,
      ),
    );
  });
});
