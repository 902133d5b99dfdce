import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import type { Runtime, RuntimeContainer } from "../runtime/seam.ts";
import { attachSession } from "./attach.ts";
import { BadQuery, logBytes, logQuery } from "./container-logs.ts";
import {
  refuseSession,
  remoteCommandLimits,
  remoteCommandProtocols,
  serveSession,
} from "./remote-command.ts";

export interface ServerConfig {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** Whose clients may ask. */
  readonly clientCaPem: string;
}

export interface ServerDeps {
  readonly os: Os;
  readonly runtime: Runtime;
  readonly pods: () => readonly Pod[];
}

/** What the server needs from the start, and what it gets once the runtime is open: until then it answers 503. */
export interface LateDeps {
  readonly os: Os;
  readonly deps: () => ServerDeps | undefined;
}

export interface AgentServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens. Rejects when the address is in use. */
export async function startServer(config: ServerConfig, late: LateDeps): Promise<AgentServer> {
  const server = createServer({
    cert: config.certificatePem,
    key: config.privateKeyPem,
    ca: config.clientCaPem,
    requestCert: true,
    rejectUnauthorized: false, // /healthz is for all; the rest is checked per request
    minVersion: "TLSv1.2",
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: remoteCommandLimits.frameBytesMost,
    perMessageDeflate: false,
    handleProtocols: (offered) => remoteCommandProtocols.find((one) => offered.has(one)) ?? false,
  });
  server.on("request", (request, answer) => {
    route(request, answer, late).catch((error: unknown) => {
      if (!answer.headersSent)
        answer.writeHead(error instanceof BadQuery ? 400 : 500, { "content-type": "text/plain" });
      answer.end(`${describeError(error)}\n`);
    });
  });
  server.on("upgrade", (request, socket: Duplex, head) => {
    socket.on("error", () => socket.destroy());
    const deps = late.deps();
    if (deps === undefined)
      return void socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\n\r\n");
    const denied = refusal(request);
    const target =
      denied === undefined ? findTarget(new URL(request.url ?? "/", "https://node"), deps) : undefined;
    if (denied !== undefined) return void socket.end(`HTTP/1.1 ${denied}\r\nconnection: close\r\n\r\n`);
    if (target === undefined || "missing" in target)
      return void socket.end("HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n");
    sockets.handleUpgrade(request, socket, head, (webSocket) => void remoteCommand(webSocket, target, deps));
  });
  const port = await listen(server, config);
  return {
    port,
    close: async () => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, { address, port }: ServerConfig): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

/** A status line if the caller may not ask. */
function refusal(request: IncomingMessage): string | undefined {
  const socket = request.socket as TLSSocket; // this server speaks nothing else
  if (!socket.authorized) return "401 Unauthorized";
  const { subject } = socket.getPeerCertificate();
  const groups = ([] as string[]).concat(subject?.O ?? []);
  return subject?.CN === "system:apiserver" || groups.includes("system:masters")
    ? undefined
    : "403 Forbidden";
}

async function route(request: IncomingMessage, answer: ServerResponse, late: LateDeps): Promise<void> {
  const url = new URL(request.url ?? "/", "https://node");
  const text = (code: number, body: string) =>
    void answer.writeHead(code, { "content-type": "text/plain; charset=utf-8" }).end(body);
  if (url.pathname === "/healthz") return text(200, "ok");
  const denied = refusal(request);
  if (denied !== undefined) return text(Number(denied.slice(0, 3)), `${denied.slice(4)}\n`);
  if (url.pathname === "/metrics") {
    answer.writeHead(200, { "content-type": late.os.metrics.contentType });
    answer.end(await late.os.metrics.text());
    return;
  }
  const deps = late.deps();
  if (deps === undefined) return text(503, "the agent is starting\n");
  if (url.pathname === "/pods" || url.pathname === "/pods/") {
    answer.writeHead(200, { "content-type": "application/json" });
    answer.end(JSON.stringify({ kind: "PodList", apiVersion: "v1", metadata: {}, items: deps.pods() }));
    return;
  }
  if (!url.pathname.startsWith("/containerLogs/")) return text(404, "404 page not found\n");
  const target = findTarget(url, deps);
  if ("missing" in target) return text(404, `${target.missing}\n`);
  await sendLogs(answer, target.container, url, deps);
}

async function sendLogs(
  answer: ServerResponse,
  container: RuntimeContainer,
  url: URL,
  { os, runtime }: ServerDeps,
): Promise<void> {
  const query = logQuery(url.searchParams, os.clock.wallMs());
  const abort = new AbortController();
  answer.once("close", () => abort.abort());
  answer.writeHead(200, { "content-type": "text/plain" });
  answer.flushHeaders();
  const live = () => runtime.containerStatus(container.id)?.state.phase === "running";
  const follow = query.follow && !query.previous;
  const bytes = logBytes(container.logPath, query, {
    signal: abort.signal,
    ...(follow && {
      goesOn: live,
      onWake: (wake: () => void) => runtime.subscribe(({ id }) => id === container.id && wake()),
    }),
  });
  for await (const piece of bytes) {
    if (answer.destroyed) return;
    if (!answer.write(piece))
      await new Promise<void>((resolve) => {
        const done = () => {
          answer.off("drain", done);
          answer.off("close", done);
          resolve();
        };
        answer.once("drain", done);
        answer.once("close", done);
      });
  }
  answer.end();
}

interface Target {
  readonly verb: string;
  readonly container: RuntimeContainer;
  readonly query: URLSearchParams;
}

/** `/verb/namespace/pod/container` -> the newest container of that name (with `previous`: the one before). */
function findTarget(url: URL, { runtime }: ServerDeps): Target | { readonly missing: string } {
  const [, verb = "", namespace = "", pod = "", name = ""] = url.pathname.split("/").map(decodeURIComponent);
  const all = runtime
    .listContainers()
    .filter(
      (one) =>
        one.pod.namespace === namespace &&
        one.pod.name === pod &&
        one.name === name &&
        one.state.phase !== "created",
    )
    .sort((a, b) => b.createdAtMs - a.createdAtMs || b.attempt - a.attempt);
  const previous = verb === "containerLogs" && ["true", "1"].includes(url.searchParams.get("previous") ?? "");
  const container = previous ? all.find((one) => one.attempt < (all[0]?.attempt ?? 0)) : all[0];
  if (container !== undefined) return { verb, container, query: url.searchParams };
  if (previous) return { missing: `previous terminated container "${name}" in pod "${pod}" not found` };
  return { missing: `container "${name}" in pod "${pod}" is not available` };
}

async function remoteCommand(
  socket: WebSocket,
  { verb, container, query }: Target,
  { runtime, os }: ServerDeps,
): Promise<void> {
  const flag = (name: string) =>
    ["true", "1"].includes(
      query.get(name) ?? query.get({ stdin: "input", stdout: "output", stderr: "error" }[name] ?? name) ?? "",
    );
  // The client speaks as soon as it is connected; its words wait until there is someone to hear them.
  socket.pause();
  try {
    const tty = flag("tty");
    const session =
      verb === "exec"
        ? await runtime.exec(container.id, { command: query.getAll("command"), stdin: flag("stdin"), tty })
        : await attachSession(runtime, container, flag("stdin"), tty);
    const served = serveSession(socket, session);
    socket.resume();
    await served;
  } catch (error) {
    os.log.debug("remote command failed", { container: container.name, error });
    socket.resume();
    refuseSession(socket, describeError(error));
  }
}
