import assert from "node:assert/strict";
import { getEventListeners, setMaxListeners } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer } from "node:https";
import type { AddressInfo, Server } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { deferred } from "../base/deferred.ts";
import { type Clock, systemClock } from "../base/os/clock.ts";
import { type Meter, MetricsRegistry } from "../base/os/metrics.ts";
import { createAuthority, issueCertificate } from "../base/os/pki.ts";
import {
  ApiError,
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isGone,
  isLeaseNotHeld,
  isNotFound,
} from "./api-error.ts";
import type { RestConfig } from "./kubeconfig.ts";
import { resources } from "./resources.ts";
import { RestClient } from "./rest.ts";

interface Site {
  readonly url: string;
  readonly server: Server;
  /** Stops listening and cuts what is open. */
  readonly kill: () => Promise<void>;
  readonly connections: () => number;
}

const status = (code: number, reason: string) =>
  JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message: reason });
const pod = (name: string, resourceVersion = "1") => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "n", uid: name, resourceVersion, creationTimestamp: "2026-01-01T00:00:00Z" },
  spec: { containers: [] },
});
const send = (response: ServerResponse, code: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(code, headers).end(typeof body === "string" ? body : JSON.stringify(body));

for (const protocol of ["HTTP/2", "HTTP/1.1"])
  describe(`client/rest by ${protocol}`, () => {
    const isHttp2 = protocol === "HTTP/2";
    const sites: Site[] = [];
    const clients: RestClient[] = [];
    let identity: Omit<RestConfig, "servers">;
    let serverOptions: { ca: string; cert: string; key: string; requestCert: true; rejectUnauthorized: true };

    before(async () => {
      const authority = await createAuthority({ name: "test" });
      const site = await issueCertificate(authority, {
        commonName: "s",
        addresses: ["127.0.0.1"],
        usage: "server",
      });
      const user = await issueCertificate(authority, {
        commonName: "me",
        organizations: ["all"],
        usage: "client",
      });
      const ca = authority.certificatePem;
      identity = {
        caPem: ca,
        certificatePem: user.certificatePem,
        privateKeyPem: user.privateKeyPem,
        namespace: "n",
      };
      serverOptions = {
        ca,
        cert: site.certificatePem,
        key: site.privateKeyPem,
        requestCert: true,
        rejectUnauthorized: true,
      };
    });

    afterEach(async () => {
      for (const client of clients.splice(0)) client.close();
      for (const site of sites.splice(0)) await site.kill();
    });

    const serve = async (listener: RequestListener): Promise<Site> => {
      const server: Server = isHttp2
        ? createSecureServer({ ...serverOptions, allowHTTP1: true }, listener as never)
        : createServer(serverOptions, listener);
      const open = new Set<Duplex>();
      let connections = 0;
      server.on("connection", (socket) => {
        connections++;
        open.add(socket);
        socket.on("close", () => open.delete(socket));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const kill = () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of open) socket.destroy();
        });
      const { port } = server.address() as AddressInfo;
      const site = { url: `https://127.0.0.1:${port}`, server, kill, connections: () => connections };
      sites.push(site);
      return site;
    };
    const connect = (...servers: Site[]): RestClient => connectCounted(undefined, ...servers);
    const connectCounted = (metrics: Meter | undefined, ...servers: Site[]): RestClient => {
      const config = { ...identity, servers: servers.map(({ url }) => url) };
      const client = new RestClient(config, metrics && { metrics });
      clients.push(client);
      return client;
    };

    it("asks with its certificate, keeps the connection, and types what comes back", async () => {
      const seen: string[] = [];
      const site = await serve((request, response) => {
        seen.push(`${request.method} ${request.url}`);
        const list = {
          kind: "PodList",
          items: [{ ...pod("a"), apiVersion: undefined }],
          metadata: { resourceVersion: "9" },
        };
        send(response, 200, request.url?.includes("?") ? list : pod("a"));
      });
      const client = connect(site);
      const list = await client.list(resources.pods, {
        labelSelector: "a=b",
        fieldSelector: "spec.nodeName=x",
        limit: 5,
      });
      assert.equal(list.items[0]?.kind, "Pod");
      assert.equal(
        (await client.get(resources.pods, { name: "a", namespace: "n" })).spec.containers.length,
        0,
      );
      await client.delete(resources.pods, { name: "a", namespace: "n" }, { gracePeriodSeconds: 0 });
      assert.deepEqual(seen, [
        "GET /api/v1/pods?labelSelector=a%3Db&fieldSelector=spec.nodeName%3Dx&limit=5",
        "GET /api/v1/namespaces/n/pods/a",
        "DELETE /api/v1/namespaces/n/pods/a",
      ]);
      // A server is known to speak HTTP/1.1 only once it was connected to.
      assert.equal(site.connections(), isHttp2 ? 1 : 2);
    });

    it("lets a burst of requests wait for few connections, which no watch takes away", async () => {
      const site = await serve((request, response) => {
        if (request.url?.includes("watch=true")) response.writeHead(200).flushHeaders();
        else setTimeout(() => send(response, 200, pod("a")), 5);
      });
      const client = connect(site);
      const over = new AbortController();
      setMaxListeners(0, over.signal);
      const watching = 40;
      const watches = Array.from({ length: watching }, () =>
        assert.rejects(client.watch(resources.pods, {}, over.signal).next(), /over/),
      );
      await Promise.all(
        Array.from({ length: 200 }, () => client.get(resources.pods, { name: "a", namespace: "n" })),
      );
      assert.ok(site.connections() <= (isHttp2 ? 2 : watching + 34), `${site.connections()}`);
      over.abort(new Error("over"));
      await Promise.all(watches);
    });

    it("leaves no listener at the signal of requests that have ended", async () => {
      const site = await serve((request, response) => {
        if (!request.url?.includes("watch=true")) send(response, 200, pod("a"));
        else response.end(`${JSON.stringify({ type: "ADDED", object: pod("a") })}\n`);
      });
      const client = connect(site);
      const lasting = new AbortController();
      for (let round = 0; round < 20; round++) {
        await client.get(resources.pods, { name: "a", namespace: "n" }, { signal: lasting.signal });
        for await (const event of client.watch(resources.pods, {}, lasting.signal)) assert.ok(event);
      }
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(getEventListeners(lasting.signal, "abort").length, 0);
    });

    it("knows of a request that waited for its turn that it was sent", async () => {
      const site = await serve((request, response) => {
        if (request.url?.includes("cut")) request.socket.destroy();
        else setTimeout(() => send(response, 200, pod("a")), 5);
      });
      const client = connect(site);
      const others = Array.from({ length: 64 }, () =>
        client.get(resources.pods, { name: "a", namespace: "n" }).catch(() => undefined),
      );
      const cut = client.patch(resources.pods, { name: "cut", namespace: "n" }, {}, { type: "merge" });
      await assert.rejects(cut, (error) => error instanceof ConnectionError && !error.neverSent);
      await Promise.all(others);
    });

    it("asks nothing once it is closed, and waits no longer to ask again", async () => {
      let asked = 0;
      const site = await serve((_, response) => {
        asked++;
        response.setHeader("retry-after", "10");
        send(response, 429, status(429, "TooManyRequests"));
      });
      const waits = deferred<void>();
      const after: Clock["after"] = (delayMs, fire) => {
        if (delayMs === 10_000) waits.resolve();
        return systemClock.after(delayMs, fire);
      };
      const clock = { ...systemClock, after };
      const client = new RestClient({ ...identity, servers: [site.url] }, { clock });
      const get = () => client.get(resources.pods, { name: "a", namespace: "n" });
      const waiting = assert.rejects(get(), /the client was closed/);
      await waits.promise;
      client.close();
      await waiting;
      await assert.rejects(get(), /the client was closed/);
      assert.equal(asked, 1);
    });

    it("counts what it asks, by what came of it, under the names of Kubernetes' client", async () => {
      const site = await serve((_, response) => send(response, 404, status(404, "NotFound")));
      const gone = await serve(() => undefined);
      await gone.kill();
      const metrics = new MetricsRegistry();
      const client = connectCounted(metrics, gone, site);
      await assert.rejects(client.get(resources.pods, { namespace: "n", name: "a" }), isNotFound);
      const text = await metrics.text();
      const [gonePort, port] = [gone, site].map(({ url }) => new URL(url).host);
      for (const line of [
        `rest_client_requests_total{code="<error>",method="GET",host="${gonePort}"} 1`,
        `rest_client_requests_total{code="404",method="GET",host="${port}"} 1`,
        `rest_client_request_duration_seconds_count{verb="GET",host="${port}"} 1`,
      ])
        assert.ok(text.includes(line), `${line} in ${text}`);
    });

    it("sends each patch under its content type and fills in the kind", async () => {
      const seen: string[] = [];
      const site = await serve(async (request, response) => {
        seen.push(`${request.headers["content-type"]} ${request.url} ${await body(request)}`);
        send(response, 200, pod("a"));
      });
      const client = connect(site);
      const ref = { name: "a", namespace: "n" };
      await client.patch(resources.pods, ref, { x: 1 }, { type: "merge", subresource: "status" });
      await client.patch(resources.pods, ref, {}, { type: "apply", fieldManager: "me", force: true });
      await client.create(resources.pods, {
        metadata: { name: "a", namespace: "n" },
        spec: { containers: [] },
      });
      assert.deepEqual(seen, [
        'application/merge-patch+json /api/v1/namespaces/n/pods/a/status {"x":1}',
        "application/apply-patch+yaml /api/v1/namespaces/n/pods/a?fieldManager=me&force=true {}",
        'application/json /api/v1/namespaces/n/pods {"metadata":{"name":"a","namespace":"n"},"spec":{"containers":[]},"apiVersion":"v1","kind":"Pod"}',
      ]);
    });

    it("says of a write under which lease it was decided, each time that it sends it", async () => {
      const seen: unknown[] = [];
      const site = await serve((request, response) => {
        seen.push(request.headers["pintle-held-lease"]);
        if (seen.length === 1) send(response, 429, status(429, "TooManyRequests"), { "retry-after": "0" });
        else send(response, seen.length === 4 ? 412 : 200, status(412, "LeaseNotHeld"));
      });
      const client = connect(site);
      const heldLease = { namespace: "n", name: "l", holder: "me & mine", transitions: 1 };
      await client.create(
        resources.pods,
        { metadata: { name: "a", namespace: "n" }, spec: { containers: [] } },
        { heldLease },
      );
      await client.raw("POST", "/api", {});
      await assert.rejects(
        client.delete(resources.pods, { name: "a", namespace: "n" }, { heldLease }),
        isLeaseNotHeld,
      );
      const text = "namespace=n&name=l&holder=me+%26+mine&transitions=1";
      assert.deepEqual(seen, [text, text, undefined, text]);
    });

    it("moves to the next server when one is gone, and stays there", async () => {
      const first = await serve((_, response) => send(response, 200, pod("first")));
      const second = await serve((_, response) => send(response, 200, pod("second")));
      const client = connect(first, second);
      const name = async () =>
        (await client.get(resources.pods, { name: "a", namespace: "n" })).metadata.name;
      assert.equal(await name(), "first");
      await first.kill();
      assert.equal(await name(), "second");
      assert.equal(await name(), "second");
      const created = await client.create(resources.pods, pod("a"));
      assert.equal(created.metadata.name, "second");
      await second.kill();
      await assert.rejects(name(), ConnectionError);
    });

    it("sends no write twice when the first server may have acted, but a get it does", async () => {
      const ref = { name: "a", namespace: "n" };
      const writes: Readonly<Record<string, (client: RestClient) => Promise<unknown>>> = {
        POST: (client) => client.create(resources.pods, pod("a")),
        PUT: (client) => client.update(resources.pods, pod("a")),
        PATCH: (client) => client.patch(resources.pods, ref, { x: 1 }, { type: "merge" }),
        DELETE: (client) => client.delete(resources.pods, ref),
      };
      for (const [method, write] of Object.entries(writes)) {
        const seen: string[] = [];
        const first = await serve((request, response) => {
          seen.push(`${request.method}`);
          response.destroy();
        });
        const second = await serve((request, response) => {
          seen.push(`${request.method}`);
          send(response, 200, pod("second"));
        });
        await assert.rejects(
          write(connect(first, second)),
          (error) => error instanceof ConnectionError && !error.neverSent,
        );
        assert.deepEqual(seen, [method]);
        const client = connect(first, second);
        assert.equal((await client.get(resources.pods, ref)).metadata.name, "second");
      }
    });

    it("gives up a server that stopped answering, watches on it included", async () => {
      const silent = await serve((request, response) => {
        if (request.url?.includes("watch=true"))
          response.write(`${JSON.stringify({ type: "ADDED", object: pod("a") })}\n`);
      });
      const other = await serve((_, response) => send(response, 200, pod("other")));
      const client = connect(silent, other);
      const events = client.watch(resources.pods, {}, new AbortController().signal);
      assert.equal((await events.next()).done, false);
      const ended = assert.rejects(events.next(), ConnectionError);
      const found = await client.get(resources.pods, { name: "a", namespace: "n" }, { timeoutMs: 2_000 });
      assert.equal(found.metadata.name, "other");
      await ended;
    });

    it("turns refusals into ApiError with its predicates, plain text too, and waits when asked to", async () => {
      let busy = 2;
      const site = await serve((request, response) => {
        const name = request.url?.split("/").at(-1);
        if (name === "missing") send(response, 404, status(404, "NotFound"));
        else if (name === "conflict") send(response, 409, status(409, "Conflict"));
        else if (name === "exists") send(response, 409, status(409, "AlreadyExists"));
        else if (name === "busy" && busy-- > 0)
          send(response, 429, status(429, "TooManyRequests"), { "retry-after": "0" });
        else if (name === "busy") send(response, 200, pod("busy"));
        else send(response, 502, "bad gateway\n");
      });
      const client = connect(site);
      const get = (name: string) => client.get(resources.pods, { name, namespace: "n" });
      await assert.rejects(get("missing"), isNotFound);
      await assert.rejects(get("conflict"), (error) => isConflict(error) && !isAlreadyExists(error));
      await assert.rejects(get("exists"), (error) => isAlreadyExists(error) && !isConflict(error));
      await assert.rejects(
        get("other"),
        (error) => error instanceof ApiError && error.message === "bad gateway",
      );
      assert.equal((await get("busy")).metadata.name, "busy");
    });

    it("streams a watch however it is cut into chunks, and throws its ERROR events", async () => {
      const lines = [
        { type: "ADDED", object: pod("ä") },
        {
          type: "BOOKMARK",
          object: {
            metadata: { resourceVersion: "7", annotations: { "k8s.io/initial-events-end": "true" } },
          },
        },
        { type: "ERROR", object: JSON.parse(status(410, "Expired")) },
      ];
      const text = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      const site = await serve(async (request, response) => {
        assert.match(request.url ?? "", /watch=true&resourceVersion=5/);
        for (let at = 0; at < text.length; at += 7) {
          response.write(text.subarray(at, at + 7));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      });
      const seen: unknown[] = [];
      const watch = connect(site).watch(
        resources.pods,
        { resourceVersion: "5" },
        new AbortController().signal,
      );
      await assert.rejects(async () => {
        for await (const event of watch) seen.push(event);
      }, isGone);
      assert.deepEqual(seen, [
        { type: "ADDED", object: pod("ä") },
        { type: "BOOKMARK", resourceVersion: "7", initialEventsEnd: true },
      ]);
    });

    it("ends a watch with the signal's reason, and with ConnectionError when the server dies", async () => {
      const site = await serve((_, response) => {
        response.write(`${JSON.stringify({ type: "ADDED", object: pod("a") })}\n`);
      });
      const client = connect(site);
      const stop = new AbortController();
      const watch = async (onEvent: () => void) => {
        for await (const _ of client.watch(resources.pods, {}, stop.signal)) onEvent();
      };
      await assert.rejects(
        watch(() => void site.kill()),
        ConnectionError,
      );
      const again = await serve((_, response) => {
        response.write(`${JSON.stringify({ type: "ADDED", object: pod("a") })}\n`);
      });
      const other = connect(again).watch(resources.pods, {}, stop.signal);
      await assert.rejects(async () => {
        for await (const _ of other) stop.abort(new Error("enough"));
      }, /enough/);
    });

    it("runs a command over a WebSocket: streams, resize, exit code", async () => {
      const site = await serve((_, response) => send(response, 404, status(404, "NotFound")));
      const sockets = new WebSocketServer({
        noServer: true,
        handleProtocols: (offered) => [...offered][0] ?? false,
      });
      const heard: string[] = [];
      site.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        heard.push(request.url ?? "");
        if (request.url?.includes("/denied/")) {
          const refusal = status(403, "Forbidden");
          socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${refusal.length}\r\n\r\n${refusal}`);
          return;
        }
        sockets.handleUpgrade(request, socket, head, (far) => {
          far.on("message", (data: Buffer) => {
            heard.push(`${data[0]} ${data.subarray(1).toString("latin1")}`);
            if (data[0] !== 255) return;
            far.send(Buffer.from([1, 0x6f, 0x6b]));
            far.send(Buffer.from([2, 0x6e, 0x6f]));
            const details = { causes: [{ reason: "ExitCode", message: "7" }] };
            const verdict = { kind: "Status", status: "Failure", reason: "NonZeroExitCode", details };
            far.send(Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(verdict))]));
            far.close();
          });
        });
      });
      const client = connect(site);
      let output = "";
      const onStdout = (bytes: Uint8Array) => {
        output += Buffer.from(bytes).toString();
      };
      const options = { command: ["sh", "-c", "a b"], stdin: true, onStdout, onStderr: onStdout };
      const session = await client.exec({ name: "a", namespace: "n" }, options);
      session.write(Buffer.from("hi"));
      session.resize({ width: 80, height: 24 });
      session.closeStdin();
      assert.equal(await session.exitCode, 7);
      assert.equal(output, "okno");
      assert.deepEqual(heard, [
        "/api/v1/namespaces/n/pods/a/exec?command=sh&command=-c&command=a+b&stdin=true&stdout=true&stderr=true",
        "0 hi",
        '4 {"Width":80,"Height":24}',
        "255 \u0000",
      ]);
      await assert.rejects(
        client.exec({ name: "denied", namespace: "n" }, options),
        (error) => error instanceof ApiError && error.code === 403,
      );
      sockets.close();
    });
  });

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
