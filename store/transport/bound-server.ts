import { lstat, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { Log } from "../../base/os/log.ts";
import { connectionsMost, probingSilence } from "../../base/os/server-sockets.ts";
import type { PortTls } from "./tls/port-tls.ts";

export type BindOptions = BindAddress & {
  readonly tls?: PortTls | undefined;
  /** Take connections without TLS, too. */
  readonly alsoPlain?: boolean;
  /** What whoever is turned away for its certificate is told, after TLS. */
  readonly farewell?: Uint8Array;
  /** At once; more are closed at once. As many as leave room for files, if it is not given. */
  readonly connections?: number;
  /** For messages: the flag that named this address. */
  readonly flag: string;
};

type BindAddress =
  /** Port 0: any free one. */
  { readonly host: string; readonly port: number } | { readonly socketPath: string };

/** Connections kept while nobody serves them yet. */
const waitingMax = 1_000;
/** What a connection with TLS begins with (RFC 8446, section 5.1): no method of HTTP does. */
const handshakeRecord = 22;
/** Time for whoever is turned away to read why. */
const farewellMs = 5_000;

/** A listening socket. It is bound first, so that a used address is found out before anything else is touched, and served
 *  later; connections that come in between wait, or are reset. */
export class BoundServer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #waiting: Socket[] = [];
  #accept: ((socket: Socket) => void) | undefined;
  #isRefusing = false;

  private constructor(options: BindOptions, log: Log) {
    const { tls, alsoPlain, connections = connectionsMost() } = options;
    const plain = (take: (socket: Socket) => void) =>
      createServer({ noDelay: true, ...probingSilence }, take);
    if (tls === undefined) this.#server = plain((socket) => this.#take(socket));
    else {
      const secure = this.#tlsServer(tls, options, log);
      this.#server = alsoPlain === true ? plain((socket) => this.#byFirstByte(socket, secure)) : secure;
    }
    if (connections !== undefined) this.#server.maxConnections = connections;
    this.#server.on("drop", (dropped) => {
      log.debug("a connection too many", { "remote-addr": dropped?.remoteAddress });
      this.#closeSilent();
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      if (this.#isRefusing) reset(socket); // before any handshake: the client has sent nothing and may go elsewhere
    });
  }

  /** Rejects with the flag and the address when the address cannot be had. */
  static async bind(options: BindOptions, log: Log): Promise<BoundServer> {
    const bound = new BoundServer(options, log);
    if ("socketPath" in options) await removeAbandoned(options.socketPath);
    await listen(bound.#server, options);
    return bound;
  }

  /** 0 of a socket in the file system. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | string;
    return typeof address === "string" ? 0 : address.port;
  }

  /** Until it is served, connections are reset in place of being kept waiting: somebody else may serve the client. */
  refuse(): void {
    this.#isRefusing = true;
    this.#waiting = [];
    for (const socket of this.#sockets) reset(socket);
  }

  /** From now on connections go to `accept`. */
  serve(accept: (socket: Socket) => void): void {
    this.#accept = accept;
    this.#isRefusing = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const socket of waiting) if (!socket.destroyed) accept(socket);
  }

  /** Closes the address and every connection. Idempotent. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #tlsServer(tls: PortTls, { flag, farewell }: BindOptions, log: Log): Server {
    const end = flag === "listen-peer-urls" ? "peer" : "client";
    const rejected = (socket: TLSSocket, error: unknown) =>
      log.warn(`rejected connection on ${end} endpoint`, {
        "remote-addr": socket.remoteAddress,
        "server-name": socket.servername || "",
        error,
      });
    const admit = async (socket: TLSSocket): Promise<void> => {
      socket.on("error", () => socket.destroy());
      const problem = await tls.clientProblem(socket);
      if (problem === undefined) {
        if (!socket.destroyed) this.#take(socket);
        return;
      }
      rejected(socket, problem);
      if (farewell === undefined) socket.destroy();
      else
        socket
          .setTimeout(farewellMs, () => socket.destroy())
          .resume()
          .end(farewell);
    };
    const asks = tls.asksForCertificate;
    const server = createTlsServer(
      { requestCert: asks, rejectUnauthorized: asks, ...probingSilence, ALPNProtocols: ["h2", "http/1.1"] },
      (socket: TLSSocket) => {
        socket.setNoDelay(true);
        if (asks) void admit(socket);
        else this.#take(socket);
      },
    );
    let shown: SecureContextOptions | undefined;
    const renew = () => {
      const now = tls.shown();
      if (now === undefined || now === shown) return;
      shown = now;
      server.setSecureContext(now);
    };
    server.prependListener("connection", renew); // before the handshake of this very connection begins
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      rejected(socket, error);
      socket.destroy();
    });
    return server;
  }

  /** A client may connect ahead and say nothing for as long as it likes, but not keep others out: the oldest that has said nothing
   *  makes room for the next. */
  #closeSilent(): void {
    for (const socket of this.#sockets) {
      if (socket.bytesRead > 0 || socket.destroyed) continue;
      socket.destroy();
      return;
    }
  }

  /** `secure` does not listen itself: it is handed who begins with a handshake. */
  #byFirstByte(socket: Socket, secure: Server): void {
    const onError = () => socket.destroy();
    socket.on("error", onError);
    socket.once("readable", () => {
      const first: Buffer | null = socket.read(1);
      if (first === null) {
        socket.destroy();
        return;
      }
      // Only once the socket has seen that nobody reads it any more does it tell the next reader of what is there already.
      process.nextTick(() => {
        socket.unshift(first);
        if (first[0] === handshakeRecord) secure.emit("connection", socket);
        else this.#take(socket);
      });
    });
  }

  #take(socket: Socket): void {
    if (this.#isRefusing) return; // it is being reset
    if (this.#accept !== undefined) this.#accept(socket);
    else if (this.#waiting.length < waitingMax) {
      socket.on("error", () => socket.destroy());
      this.#waiting.push(socket);
    } else socket.destroy();
  }
}

function reset(socket: Socket): void {
  socket.on("error", () => undefined); // its own end is no news
  // While a shutdown is under way there is no reset: asked for one, Node leaves the socket open for ever.
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function listen(server: Server, options: BindOptions): Promise<void> {
  const { flag } = options;
  const where = "socketPath" in options ? options.socketPath : `${options.host}:${options.port}`;
  return new Promise((resolve, reject) => {
    const onError = (cause: NodeJS.ErrnoException) => {
      reject(new Error(`--${flag}: cannot listen on ${where}: ${reason(cause)}`, { cause }));
    };
    server.once("error", onError);
    const address =
      "socketPath" in options ? { path: options.socketPath } : { host: options.host, port: options.port };
    server.listen(address, () => {
      server.removeListener("error", onError);
      resolve();
    });
  });
}

function reason(cause: NodeJS.ErrnoException): string {
  if (cause.code === "EADDRINUSE")
    return "the address is in use by another process; stop that or choose another port";
  if (cause.code === "EADDRNOTAVAIL") return "no interface of this machine has the address";
  if (cause.code === "EACCES") return "not permitted; ports below 1024 need privileges";
  return cause.message;
}

/** A process that was killed leaves its socket behind, on which nobody answers any more. Other files stay. */
async function removeAbandoned(path: string): Promise<void> {
  const there = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (there?.isSocket() === true && !(await answers(path))) await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    // Whatever else went wrong, somebody may still be there.
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code !== "ECONNREFUSED"));
  });
}
