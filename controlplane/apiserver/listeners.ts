import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { Clock } from "../../base/os/clock.ts";
import { trusting } from "../../base/os/trust.ts";
import type { ApiserverConfig } from "./flags.ts";
import { type ServerDeps, serve } from "./server.ts";
import { loud } from "./telemetry/verbosity.ts";
import { serveUpgrade } from "./upgrade.ts";

/** Idle connections stay open longer than clients keep them, so that it is never us who closes under a request. */
const keepAliveMs = 120_000;
const headBytesMax = 1024 * 1024;
/** How long the last bytes of answers may take to leave when the server has stopped. */
const lastBytesMs = 2000;

export function tlsServer({ tls, authentication, headTimeoutMs }: ApiserverConfig): Server {
  const { requestHeader } = authentication;
  const server = createServer({
    cert: tls.cert,
    key: tls.key,
    ...trusting(requestHeader === undefined ? tls.clientCa : [tls.clientCa, requestHeader.authorityPem]),
    requestCert: true,
    // Who shows no certificate may still ask for /healthz; a bad one is refused request by request, with a Status.
    rejectUnauthorized: false,
    ALPNProtocols: ["http/1.1"],
    minVersion: "TLSv1.2",
    handshakeTimeout: headTimeoutMs,
    maxHeaderSize: headBytesMax,
    connectionsCheckingInterval: headTimeoutMs / 8,
  });
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = headTimeoutMs;
  // Bodies have the request's own deadline.
  server.requestTimeout = 0;
  // Headers beyond a number would be dropped without a word; their size is bounded above.
  server.maxHeadersCount = 0;
  return server;
}

export function attach(server: Server, deps: ServerDeps, connections: Set<Socket>): void {
  server.on("request", (request, response) => {
    // Kept alive it would hold up the end until the client lets go.
    response.on("close", () => {
      if (deps.shutdown.draining.aborted) setImmediate(() => server.closeIdleConnections());
    });
    void serve(request, response, deps);
  });
  server.on("upgrade", (request, socket, head) => void serveUpgrade(request, socket, { deps, head }));
  server.on("tlsClientError", (error) => {
    deps.telemetry.metrics.handshakeErrors.inc();
    const { verbosity } = deps.telemetry.config;
    loud(deps.log, "handshakes", verbosity).debug("TLS handshake failed", { error });
  });
  server.on("secureConnection", (socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
  });
}

export async function listenAll(servers: readonly Server[], config: ApiserverConfig): Promise<number> {
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
export async function stopListening(servers: readonly Server[]): Promise<void> {
  const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
  for (const server of servers) server.closeIdleConnections();
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
