import { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { ownSetImmediate } from "../base/os/own-timers.ts";
import { apiErrorFrom, ConnectionError } from "./api-error.ts";
import { tlsOptions } from "./http/tls-options.ts";
import { identityHeaders } from "./identity-headers.ts";
import type { RestConfig } from "./kubeconfig.ts";
import { objectPath, withQuery } from "./paths.ts";
import { resources } from "./resources.ts";
import type { Ref } from "./types.ts";

export const portForwardLimits = {
  openMs: 30_000,
  frameBytesMost: 16 * 1024 * 1024,
  /** Written in one frame. */
  pieceBytesMost: 1024 * 1024,
  errorBytesMost: 16 * 1024,
} as const;

/** One port has two channels: its bytes, and what is wrong with it. Each begins with the port's number, two bytes. */
const channel = { data: 0, error: 1 } as const;
const protocol = "v4.channel.k8s.io";
const portBytes = 2;

/** A connection to a port of a pod, through the API server. Resolves once the server agreed; whether the port answers shows
 *  after that: the stream is destroyed with ConnectionError where it does not. The protocol has no word for one side's end: the
 *  other side hears of ours when the stream is destroyed, and nodes tell of theirs when both have ended. */
export async function openPortForward(
  config: RestConfig,
  server: URL,
  ref: Ref,
  port: number,
  {
    signal,
    connect,
  }: { readonly signal?: AbortSignal | undefined; readonly connect?: (() => Duplex) | undefined } = {},
): Promise<Duplex> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`${port} is no port`);
  signal?.throwIfAborted();
  const path = withQuery(objectPath(resources.pods, ref, "portforward"), { ports: port });
  const url = new URL(server.pathname.replace(/\/$/, "") + path, server);
  url.protocol = server.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, [protocol], {
    ...tlsOptions(config),
    headers: identityHeaders(config),
    handshakeTimeout: portForwardLimits.openMs,
    maxPayload: portForwardLimits.frameBytesMost,
    perMessageDeflate: false,
    ...(connect && { createConnection: connect }),
  });
  const stream = new PortStream(socket, port);
  const abort = () => stream.destroy(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", abort));
  await opened(socket, server, signal);
  // Whoever gets the stream hears what becomes of it.
  ownSetImmediate(() => stream.begin());
  return stream;
}

function opened(socket: WebSocket, server: URL, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("unexpected-response", (request, answer) => {
      const pieces: Buffer[] = [];
      let bytes = 0;
      answer.on("data", (piece: Buffer) => {
        bytes += piece.length;
        if (bytes <= portForwardLimits.errorBytesMost) pieces.push(piece);
      });
      answer.once("close", () => {
        reject(apiErrorFrom(answer.statusCode ?? 0, Buffer.concat(pieces).toString("utf8")));
        request.destroy();
      });
    });
    socket.once("error", (cause) =>
      reject(
        signal?.aborted
          ? signal.reason
          : new ConnectionError(`port-forward: no answer from ${server.host}`, { neverSent: true, cause }),
      ),
    );
  });
}

class PortStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #port: number;
  /** Bytes of each channel that are the port's number. */
  readonly #named = [0, 0];
  /** What came before `begin`. */
  #early: Buffer[] | undefined = [];

  constructor(socket: WebSocket, port: number) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.#port = port;
    socket.on("message", (frame: Buffer) => {
      if (this.#early === undefined) this.#hear(frame);
      else this.#early.push(frame);
    });
    socket.once("close", () => {
      if (this.#early === undefined) this.push(null);
    });
    socket.on("error", (cause) => {
      // One that never opened is told of by `openPortForward`.
      if (socket.readyState === WebSocket.OPEN || socket.readyState === WebSocket.CLOSING)
        this.destroy(this.#lost("cut off", cause));
    });
  }

  /** From now on what has come is told. */
  begin(): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const frame of early) this.#hear(frame);
    if (this.#socket.readyState === WebSocket.CLOSED) this.push(null);
  }

  #hear(frame: Buffer): void {
    const [number] = frame;
    if (number !== channel.data && number !== channel.error) return;
    const named = this.#named[number] ?? 0;
    const skipped = Math.min(portBytes - named, frame.length - 1);
    this.#named[number] = named + skipped;
    const bytes = frame.subarray(1 + skipped);
    if (bytes.length === 0 || this.destroyed) return;
    if (number === channel.error)
      this.destroy(this.#lost(bytes.subarray(0, portForwardLimits.errorBytesMost).toString("utf8").trim()));
    else if (!this.push(bytes)) this.#socket.pause();
  }

  #lost(what: string, cause?: unknown): ConnectionError {
    return new ConnectionError(`port ${this.#port}: ${what}`, { neverSent: false, cause });
  }

  override _read(): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const most = portForwardLimits.pieceBytesMost;
    for (let at = 0; at < bytes.length; at += most) {
      const piece = bytes.subarray(at, at + most);
      const isLast = at + most >= bytes.length;
      this.#socket.send(
        Buffer.concat([Buffer.from([channel.data]), piece]),
        isLast ? (error) => done(error ?? null) : () => undefined,
      );
    }
    if (bytes.length === 0) done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}
