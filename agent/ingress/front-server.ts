import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createNet, type Server as NetServer, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { Http2Server } from "../../base/http2/http2-server.ts";
import type { Http2Limits } from "../../base/http2/limits.ts";
import { serveHttp } from "../../base/http2/serve-http.ts";
import { type Protocols, sortConnection } from "../../base/http2/sort-connection.ts";
import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import { connectionsMost, oneHandshake, probingSilence } from "../../base/os/server-sockets.ts";
import type { Certificates } from "./certificates.ts";
import type { Front } from "./front.ts";
import type { IngressProxy } from "./ingress-proxy.ts";
import { lastWords } from "./own-answer.ts";

/** What one client may ask of the node. */
export const frontLimits = {
  headBytesMost: 32 * 1024,
  /** For a handshake, and for a request's head. */
  headWithinMs: 10_000,
  keepAliveMs: 75_000,
  streamsMost: 128,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  connectionsMost: 16_384,
  /** How long answers may take to leave when the node stops answering. */
  drainMs: 2_000,
} as const;

/** One port of the node. */
export interface FrontServer {
  readonly port: number;
  close(): Promise<void>;
}

export interface FrontServerParts {
  readonly proxy: IngressProxy;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the whole front, known once all ports are. */
  readonly front: () => Front;
  /** Absent: plain HTTP. */
  readonly certificates?: Certificates;
  /** Clients of plain HTTP may speak HTTP/2, if they begin with it. */
  readonly takesPlainHttp2?: boolean;
}

const options: ServerOptions = {
  maxHeaderSize: frontLimits.headBytesMost,
  // A message is read here as it is read behind: strictly.
  insecureHTTPParser: false,
  requireHostHeader: false,
  connectionsCheckingInterval: frontLimits.headWithinMs / 4,
  headersTimeout: frontLimits.headWithinMs,
  // Bodies have a bound of their own for each pause.
  requestTimeout: 0,
  keepAliveTimeout: frontLimits.keepAliveMs,
  noDelay: true,
  ...probingSilence,
};

/** Listens at all of the addresses, or none; rejects where that cannot be. */
export async function openFront(
  at: { readonly address: string; readonly alsoAt: readonly string[]; readonly port: number },
  parts: FrontServerParts,
): Promise<FrontServer> {
  const { certificates, clock, log, proxy, front } = parts;
  const server: Server =
    certificates === undefined
      ? createHttp(options)
      : createHttps({
          ...options,
          ...oneHandshake,
          minVersion: "TLSv1.2",
          handshakeTimeout: frontLimits.headWithinMs,
          ALPNProtocols: ["h2", "http/1.1"],
          SNICallback: (host, done) => giveContext(certificates, host, done),
        });
  server.maxHeadersCount = 0;
  server.maxConnections = Math.min(
    frontLimits.connectionsMost,
    connectionsMost() ?? frontLimits.connectionsMost,
  );
  server.on("request", (request, response) => proxy.serve(request, response, front()));
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) =>
    proxy.serve(request, response, front(), () => response.writeContinue()),
  );
  server.on("upgrade", (request, socket, first) => proxy.upgrade(request, socket, first, front()));
  server.on("connect", (_, socket: Duplex) => endWith(socket, 405));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => endWith(socket, statusOf(error)));
  const http2 =
    certificates !== undefined
      ? takeHttp2(server, parts)
      : parts.takesPlainHttp2
        ? takePlainHttp2(server, parts)
        : undefined;
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // Those that wait for nothing make room for others.
    if (sockets.size > server.maxConnections * 0.9) server.closeIdleConnections();
  });
  if (certificates !== undefined && "setSecureContext" in server) {
    const tls = server as ReturnType<typeof createHttps>;
    certificates.followDefault((pem) =>
      tls.setSecureContext({
        ...(pem && { cert: pem.certificatePem, key: pem.keyPem }),
        minVersion: "TLSv1.2",
        ...oneHandshake,
      }),
    );
  }
  await listen(server, at, log);
  const bound = server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : at.port;
  const others: NetServer[] = [];
  const closeAll = () =>
    Promise.all([...others, server].map((one) => new Promise<void>((done) => one.close(() => done()))));
  try {
    for (const address of at.alsoAt) {
      const other = createNet({ noDelay: true, ...probingSilence }, (socket) =>
        server.emit("connection", socket),
      );
      other.maxConnections = server.maxConnections;
      await listen(other, { address, port }, log);
      others.push(other);
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
  return {
    port,
    async close() {
      const closed = closeAll();
      server.closeIdleConnections();
      http2?.leave();
      const cancel = clock.after(frontLimits.drainMs, () => {
        for (const socket of [...sockets]) socket.destroy();
      });
      await closed;
      cancel();
      log.debug("port is closed", at);
    },
  };
}

function http2Server({ proxy, clock, log, front }: FrontServerParts): Http2Server {
  const { streamsMost, streamWindowBytes, connectionWindowBytes, headBytesMost, headWithinMs, keepAliveMs } =
    frontLimits;
  const limits: Http2Limits = {
    streamsMost,
    streamWindowBytes,
    connectionWindowBytes,
    headerListBytesMost: headBytesMost,
    headWithinMs,
    idleMostMs: keepAliveMs,
  };
  const route = serveHttp(
    (request, response) =>
      new Promise((resolve) => {
        response.on("close", resolve);
        proxy.serve(request, response, front());
      }),
    clock,
  );
  return new Http2Server({ limits, route, clock, log: log.child("http2") });
}

/** Connections that begin with HTTP/2 go by the server of HTTP/1.1, which takes the others. */
function takePlainHttp2(server: Server, parts: FrontServerParts): Http2Server {
  const http2 = http2Server(parts);
  const http1 = server.listeners("connection");
  server.removeAllListeners("connection");
  const protocols: Protocols = {
    http2: (socket) => http2.accept(socket),
    http1: (socket) => {
      for (const serveHttp1 of http1) serveHttp1.call(server, socket);
    },
    log: parts.log,
    silentMsMost: frontLimits.headWithinMs,
  };
  server.on("connection", (socket: Socket) => sortConnection(socket, protocols));
  return http2;
}

/** Connections whose clients chose HTTP/2 go by the server of HTTP/1.1, which takes the others. */
function takeHttp2(server: Server, parts: FrontServerParts): Http2Server {
  const http2 = http2Server(parts);
  const { log } = parts;
  const http1 = server.listeners("secureConnection");
  server.removeAllListeners("secureConnection");
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") http2.accept(socket);
    else for (const serveHttp1 of http1) serveHttp1.call(server, socket);
  });
  server.on("tlsClientError", (error) => log.debug("TLS handshake failed", { error }));
  return http2;
}

type GiveContext = (error: Error | null, context?: ReturnType<Certificates["contextFor"]>) => void;

function giveContext(certificates: Certificates, host: string, done: GiveContext): void {
  try {
    done(null, certificates.contextFor(host));
  } catch (error) {
    done(error as Error);
  }
}

function statusOf({ code }: NodeJS.ErrnoException): number {
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  return code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

function endWith(socket: Duplex, status: number): void {
  socket.on("error", () => socket.destroy());
  // Whoever was answered before takes no second answer for the same.
  const isAnswered = socket instanceof Socket && socket.bytesWritten > 0;
  if (isAnswered || !socket.writable || socket.destroyed) socket.destroy();
  else socket.end(lastWords(status), () => socket.destroy());
}

function listen(
  server: NetServer,
  { address, port }: { readonly address: string; readonly port: number },
  log: Log,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: address }, () => {
      server.off("error", reject);
      // One connection that cannot be taken is no reason to take none.
      server.on("error", (error) => log.warn("a connection could not be taken", { error }));
      resolve();
    });
  });
}
