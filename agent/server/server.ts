import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { createServer, type Server } from "node:https";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { WebSocketServer } from "ws";
import { describeError } from "../../base/os/log.ts";
import type { Os } from "../../base/os/os.ts";
import type { Pod } from "../../client/types.ts";
import type { Runtime, RuntimeContainer } from "../runtime/seam.ts";
import { attachSession } from "./attach.ts";
import { type ChannelProtocol, channelProtocols, chooseProtocol } from "./channel-protocol.ts";
import { BadQuery, logBytes, logQuery } from "./container-logs.ts";
import {
  refuseSession,
  remoteCommandLimits,
  type SessionSocket,
  serveSession,
  type Wanted,
} from "./remote-command.ts";
import { askedOf, type Found, logTarget, sessionTarget } from "./targets.ts";
import { serveTunnel } from "./tunnel.ts";

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
  readonly nodeIp: string;
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
    allowHalfOpen: true, // each direction of a tunnel ends on its own
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: remoteCommandLimits.frameBytesMost,
    perMessageDeflate: false,
    handleProtocols: (_, request) => protocolOf(request)?.name || false,
  });
  server.on("request", (request, answer) => {
    route(request, answer, late).catch((error: unknown) => {
      if (!answer.headersSent)
        answer.writeHead(error instanceof BadQuery ? 400 : 500, { "content-type": "text/plain" });
      answer.end(`${describeError(error)}\n`);
    });
  });
  // Connections that are HTTP's no more: the server forgets them, and would wait for them for ever.
  const detached = new Set<Duplex>();
  const detach = (socket: Duplex) => {
    detached.add(socket);
    socket.on("close", () => detached.delete(socket));
    socket.on("error", () => socket.destroy());
  };
  server.on("connect", (request, socket: Duplex, head) => {
    detach(socket);
    const allowed = admitted(request, late);
    if ("missing" in allowed) return refuseUpgrade(socket, allowed);
    const { os, runtime, nodeIp } = allowed;
    serveTunnel(request, socket, head, {
      clock: os.clock,
      nodeIp,
      sandboxes: () => runtime.listPodSandboxes(),
    });
  });
  server.on("upgrade", (request, socket: Duplex, head) => {
    detach(socket);
    const session = sessionOf(request, late);
    if ("missing" in session) return refuseUpgrade(socket, session);
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      remoteCommand({ socket: webSocket, protocol: session.protocol }, session, late.os),
    );
  });
  const port = await listen(server, config);
  return {
    port,
    close: async () => {
      for (const socket of detached) socket.destroy();
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

/** What a caller who may ask is served with, or why it is not served. */
function admitted(
  request: IncomingMessage,
  late: LateDeps,
): ServerDeps | { readonly code: number; readonly missing: string } {
  const denied = refusal(request);
  if (denied !== undefined) return { code: Number(denied.slice(0, 3)), missing: denied.slice(4) };
  return late.deps() ?? { code: 503, missing: "the agent is starting" };
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
  const asked = askedOf(url.pathname);
  if (asked === undefined) return text(404, "404 page not found\n");
  const previous = ["true", "1"].includes(url.searchParams.get("previous") ?? "");
  const target = logTarget(asked, previous, knownBy(deps));
  if ("missing" in target) return text(target.code, target.missing);
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

function knownBy({ pods, runtime }: ServerDeps) {
  return { pods: pods(), containers: runtime.listContainers() };
}

function protocolOf(request: IncomingMessage): ChannelProtocol | undefined {
  return chooseProtocol(request.headers["sec-websocket-protocol"]);
}

/** A session that can be had, though what it is to run in may be missing. */
interface AskedSession {
  readonly verb: "exec" | "attach";
  readonly protocol: ChannelProtocol;
  readonly target: Found;
  readonly wanted: Wanted;
  readonly command: readonly string[];
  readonly deps: ServerDeps;
}

/** What a request to upgrade asks for, or the answer that refuses it. */
function sessionOf(
  request: IncomingMessage,
  late: LateDeps,
): AskedSession | { code: number; missing: string } {
  const deps = admitted(request, late);
  if ("missing" in deps) return deps;
  const url = new URL(request.url ?? "/", "https://node");
  const asked = askedOf(url.pathname);
  if (asked === undefined || (asked.verb !== "exec" && asked.verb !== "attach"))
    return { code: 404, missing: "404 page not found" };
  const wanted = wantedOf(url.searchParams);
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr)
    return { code: 400, missing: "you must specify at least 1 of stdin, stdout, stderr" };
  const target = sessionTarget(asked.verb, asked, knownBy(deps));
  if (request.headers.upgrade?.toLowerCase() !== "websocket")
    // Clients that speak the older protocol still learn what is wrong with their target.
    return "missing" in target
      ? target
      : { code: 400, missing: `only websocket is served, not ${request.headers.upgrade}` };
  const protocol = protocolOf(request);
  if (protocol === undefined)
    return {
      code: 403,
      missing: `requested protocol(s) are not supported: [${request.headers["sec-websocket-protocol"]}]; supports [${channelProtocols
        .map(({ name }) => name)
        .join(" ")
        .trim()}]`,
    };
  return { verb: asked.verb, protocol, target, wanted, command: url.searchParams.getAll("command"), deps };
}

function wantedOf(query: URLSearchParams): Wanted {
  const flag = (name: string, kubelets = name) =>
    ["true", "1"].includes(query.get(name) ?? query.get(kubelets) ?? "");
  const tty = flag("tty");
  // With a terminal both outputs are one.
  return {
    stdin: flag("stdin", "input"),
    stdout: flag("stdout", "output"),
    stderr: flag("stderr", "error") && !tty,
    tty,
  };
}

function refuseUpgrade(
  socket: Duplex,
  { code, missing }: { readonly code: number; readonly missing: string },
): void {
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? "Error"}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(missing)}\r\nconnection: close\r\n\r\n${missing}`,
  );
}

/** Runs a session to its end. What it is to run in is missing: said on the connection, where the client looks for it – to a
 *  refused upgrade clients would answer by trying an older protocol. */
async function remoteCommand(
  client: SessionSocket,
  { verb, target, wanted, command, deps: { runtime } }: AskedSession,
  os: Os,
): Promise<void> {
  if ("missing" in target) return refuseSession(client, `unable to upgrade connection: ${target.missing}`);
  const { container } = target;
  const { stdin, tty } = wanted;
  // The client speaks as soon as it is connected; its words wait until there is someone to hear them.
  client.socket.pause();
  try {
    const session =
      verb === "exec"
        ? await runtime.exec(container.id, { command, stdin, tty })
        : await attachSession(runtime, container, stdin, tty);
    const served = serveSession(client, session, wanted);
    client.socket.resume();
    await served;
  } catch (error) {
    os.log.debug("remote command failed", { container: container.name, error });
    client.socket.resume();
    refuseSession(client, describeError(error));
  }
}
