import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { HttpResponse } from "../../base/http2/http-response.ts";
import { Http2Server } from "../../base/http2/http2-server.ts";
import type { Http2Limits } from "../../base/http2/limits.ts";
import { type HttpHandler, serveHttp } from "../../base/http2/serve-http.ts";
import type { Clock } from "../../base/os/clock.ts";
import { ownSetImmediate } from "../../base/os/own-timers.ts";
import { connectionsMost, oneHandshake } from "../../base/os/server-sockets.ts";
import { trusting } from "../../base/os/trust.ts";
import type { ApiserverConfig } from "./flags.ts";
import { endWith, headRefusal, refuseHead, refuseMalformed } from "./odd-http.ts";
import { type ServerDeps, serve } from "./server.ts";
import { loud } from "./telemetry/verbosity.ts";
import { mayUpgrade, serveUpgrade } from "./upgrade.ts";
import { WithoutUpgrade } from "./without-upgrade.ts";

/** Idle connections stay open longer than clients keep them, so that it is never us who closes under a request. */
const keepAliveMs = 120_000;
const headBytesMax = 1024 * 1024;
/** HTTP/2's largest. */
const windowBytesMax = 2 ** 31 - 1;
/** kube-apiserver's bounds of HTTP/2: a body of usual size needs no second window. */
const streamWindowBytes = 256 * 1024;
const http2IdleMostMs = 90_000;
/** How often the system asks whether the other side of a silent connection is there; Kubernetes' number. */
const probeSilentAfterMs = 180_000;
/** How long the last bytes of answers may take to leave when the server has stopped. */
const lastBytesMs = 2000;

/** One bound address, with both protocols. */
export interface Listener {
  readonly server: Server;
  /** Absent: HTTP/1.1 only. */
  readonly http2: Http2Server | undefined;
}

export function tlsServer({ tls, authentication, headTimeoutMs, http2 }: ApiserverConfig): Server {
  const { requestHeader } = authentication;
  const server = createServer({
    cert: tls.cert,
    key: tls.key,
    ...trusting(requestHeader === undefined ? tls.clientCa : [tls.clientCa, requestHeader.authorityPem]),
    requestCert: true,
    // Who shows no certificate may still ask for /healthz; a bad one is refused request by request, with a Status.
    rejectUnauthorized: false,
    ALPNProtocols: http2.serves ? ["h2", "http/1.1"] : ["http/1.1"],
    minVersion: "TLSv1.2",
    ...oneHandshake,
    handshakeTimeout: headTimeoutMs,
    maxHeaderSize: headBytesMax,
    // Who names none is told so by us.
    requireHostHeader: false,
    connectionsCheckingInterval: headTimeoutMs / 8,
    keepAlive: true,
    keepAliveInitialDelay: probeSilentAfterMs,
  });
  const most = connectionsMost();
  if (most !== undefined) server.maxConnections = most;
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = headTimeoutMs;
  // Bodies have the request's own deadline.
  server.requestTimeout = 0;
  // Headers beyond a number would be dropped without a word; their size is bounded above.
  server.maxHeadersCount = 0;
  return server;
}

/** The process does not go on because a bound server listens, or is connected. */
export function holdNothing(server: Server): void {
  server.unref();
  server.on("connection", (socket: Socket) => socket.unref());
}

/** Has a bound server serve; the connections it has are in `connections`. */
export function attach(
  server: Server,
  config: Pick<ApiserverConfig, "http2" | "headTimeoutMs">,
  { deps, connections }: { readonly deps: ServerDeps; readonly connections: Set<Socket> },
): Listener {
  refuseMalformed(server);
  const answer = (request: IncomingMessage, response: HttpResponse): Promise<void> => {
    const refusal = headRefusal(request);
    if (refusal === undefined) return serve(request, response, deps);
    refuseHead(response, refusal);
    return Promise.resolve();
  };
  server.on("request", (request, response) => {
    // Kept alive it would hold up the end until the client lets go.
    response.on("close", () => {
      if (deps.shutdown.draining.aborted) ownSetImmediate(() => server.closeIdleConnections());
    });
    void answer(request, response);
  });
  const withoutUpgrade = new WithoutUpgrade(server);
  server.on("upgrade", (request, socket, head) => {
    const refusal = headRefusal(request);
    if (refusal !== undefined) endWith(socket, refusal);
    else if (mayUpgrade(request, deps)) void serveUpgrade(request, socket, { deps, head });
    else withoutUpgrade.serve(request, socket as TLSSocket, head);
  });
  server.on("tlsClientError", (error) => {
    deps.telemetry.metrics.handshakeErrors.inc();
    const { verbosity } = deps.telemetry.config;
    loud(deps.log, "handshakes", verbosity).debug("TLS handshake failed", { error });
  });
  const http2 = config.http2.serves
    ? takeHttp2(server, { limits: http2Limits(config), answer }, deps)
    : undefined;
  server.on("secureConnection", (socket) => {
    if (connections.has(socket)) return; // it is served on
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
  return { server, http2 };
}

/** Connections whose clients chose HTTP/2 go by the server of HTTP/1.1, which takes the others. */
function takeHttp2(
  server: Server,
  { limits, answer }: { readonly limits: Http2Limits; readonly answer: HttpHandler },
  { clock, log }: ServerDeps,
): Http2Server {
  const http2 = new Http2Server({ limits, route: serveHttp(answer, clock), clock, log: log.child("http2") });
  const http1 = server.listeners("secureConnection");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") http2.accept(socket);
    else for (const serveHttp1 of http1) serveHttp1.call(server, socket);
  });
  return http2;
}

function http2Limits({
  http2,
  headTimeoutMs,
}: Pick<ApiserverConfig, "http2" | "headTimeoutMs">): Http2Limits {
  return {
    streamsMost: http2.streamsMax,
    streamWindowBytes,
    // Streams whose bodies nobody reads must not stop the others.
    connectionWindowBytes: Math.min(windowBytesMax, streamWindowBytes * http2.streamsMax),
    headerListBytesMost: headBytesMax,
    headWithinMs: headTimeoutMs,
    idleMostMs: http2IdleMostMs,
  };
}

export async function listenAll(
  servers: readonly Server[],
  config: Pick<ApiserverConfig, "bindAddresses" | "port">,
): Promise<number> {
  let { port } = config;
  const listening: Server[] = [];
  try {
    for (const [at, server] of servers.entries()) {
      await listen(server, port, config.bindAddresses[at] ?? "127.0.0.1");
      listening.push(server);
      const bound = server.address();
      // With port 0 the first server's choice holds for all.
      if (typeof bound === "object" && bound !== null) port = bound.port;
    }
  } catch (error) {
    for (const server of listening) server.close();
    throw error;
  }
  return port;
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** Takes no connections any more and lets idle ones go. Resolves when there is none. */
export async function stopListening(listeners: readonly Listener[]): Promise<void> {
  const closed = listeners.map(({ server }) => new Promise<void>((resolve) => server.close(() => resolve())));
  for (const { server, http2 } of listeners) {
    server.closeIdleConnections();
    http2?.leave();
  }
  await Promise.all(closed);
}

/** Every request is answered: what is left of connections is answers on their way, and clients that say nothing. */
export async function lastBytes({
  closed,
  connections,
  clock,
}: {
  readonly closed: Promise<void> | undefined;
  readonly connections: ReadonlySet<Socket>;
  readonly clock: Clock;
}): Promise<void> {
  const cancel = clock.after(lastBytesMs, () => {
    for (const socket of [...connections]) socket.destroy();
  });
  await closed;
  cancel();
}
