import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Log } from "../../base/os/log.ts";
import type { ServerTls } from "./tls-files.ts";

/** What an HTTP/2 connection begins with (RFC 9113, section 3.4); four bytes tell it from any HTTP/1.1 method. */
const prefaceStart = "PRI ";
/** A connection that sends nothing for so long is closed. */
const firstBytesWithinMs = 10_000;

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly tls?: ServerTls | undefined;
  /** For messages: the flag that named this address. */
  readonly flag: string;
}

export interface ListenerParts {
  /** Takes over a connection that speaks HTTP/2; absent where only HTTP/1.1 is served. */
  readonly http2?: (socket: Socket) => void;
  readonly http1: (request: IncomingMessage, response: ServerResponse) => void;
  readonly log: Log;
}

/** Listens on one address and sorts connections by protocol. */
export class Listener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stopHttp1: () => void;

  private constructor(server: Server, stopHttp1: () => void) {
    this.#server = server;
    this.#stopHttp1 = stopHttp1;
  }

  /** Throws with the flag and the address when the address cannot be had. */
  static async open(options: ListenerOptions, parts: ListenerParts): Promise<Listener> {
    const http1 = createHttpServer(parts.http1);
    const sort = (socket: Socket) => sortConnection(socket, parts, http1);
    const server =
      options.tls === undefined
        ? createServer({ noDelay: true }, sort)
        : createTlsServer({ ...options.tls, ALPNProtocols: ["h2", "http/1.1"] }, (socket: TLSSocket) => {
            socket.setNoDelay(true);
            sort(socket);
          });
    const listener = new Listener(server, () => http1.close());
    server.on("connection", (socket: Socket) => {
      listener.#sockets.add(socket);
      socket.once("close", () => listener.#sockets.delete(socket));
    });
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      parts.log.warn("rejected connection", { error, "remote-addr": socket.remoteAddress });
      socket.destroy();
    });
    await listen(server, options);
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes the address and every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#stopHttp1();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

export function listen(
  server: Server,
  options: Pick<ListenerOptions, "host" | "port" | "flag">,
): Promise<void> {
  const { host, port, flag } = options;
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === "EADDRINUSE"
          ? "the address is in use by another process; stop that or choose another port"
          : cause.code === "EADDRNOTAVAIL"
            ? "no interface of this machine has the address"
            : cause.message;
      reject(new Error(`${flag}: cannot listen on ${host}:${port}: ${why}`, { cause }));
    };
    server.once("error", onError);
    server.listen({ host: host.replace(/^\[|\]$/g, ""), port }, () => {
      server.removeListener("error", onError);
      resolve();
    });
  });
}

function sortConnection(
  socket: Socket,
  parts: ListenerParts,
  http1: ReturnType<typeof createHttpServer>,
): void {
  socket.setTimeout(firstBytesWithinMs, () => socket.destroy());
  socket.on("error", (error) => parts.log.debug("client connection failed", { error }));
  socket.once("readable", () => {
    const first: Buffer | null = socket.read();
    if (first === null) return; // closed before it said anything
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    socket.unshift(first);
    if (first.toString("latin1", 0, prefaceStart.length) !== prefaceStart) http1.emit("connection", socket);
    else if (parts.http2 !== undefined) parts.http2(socket);
    else socket.destroy();
  });
}
