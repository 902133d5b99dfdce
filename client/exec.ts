import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { deferred } from "../base/deferred.ts";
import { apiErrorFrom, ConnectionError, statusFrom } from "./api-error.ts";
import { tlsOptions } from "./http/tls-options.ts";
import { identityHeaders } from "./identity-headers.ts";
import type { RestConfig } from "./kubeconfig.ts";
import { objectPath, withQuery } from "./paths.ts";
import { resources } from "./resources.ts";
import type { Ref, Status } from "./types.ts";

export interface ExecOptions {
  readonly command: readonly string[];
  readonly container?: string | undefined;
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly onStdout: (bytes: Uint8Array) => void;
  readonly onStderr: (bytes: Uint8Array) => void;
}

/** A command running in a container. */
export interface ExecSession {
  /** False when the connection's buffer is full (`execLimits.bufferBytesMost`): pause the source until `drained`. */
  write(bytes: Uint8Array): boolean;
  drained(): Promise<void>;
  /** End of standard input. */
  closeStdin(): void;
  resize(size: { readonly width: number; readonly height: number }): void;
  /** Output waits at its source until `resume`, but for what is on its way. */
  pause(): void;
  resume(): void;
  /** The command's exit code. Rejects with ApiError when it could not be run, ConnectionError when cut off. */
  readonly exitCode: Promise<number>;
  /** Cuts the connection. */
  close(): void;
}

export const execLimits = {
  bufferBytesMost: 1024 * 1024,
  frameBytesMost: 16 * 1024 * 1024,
  openMs: 30_000,
} as const;

/** The channels of Kubernetes' remote command protocol: each frame begins with one of these bytes. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/** Opens a WebSocket to the pod's exec subresource. Resolves once the server agreed. */
export async function openExec(
  config: RestConfig,
  server: URL,
  ref: Ref,
  options: ExecOptions,
  {
    signal,
    connect,
  }: { readonly signal?: AbortSignal | undefined; readonly connect?: (() => Duplex) | undefined } = {},
): Promise<ExecSession> {
  const path = withQuery(objectPath(resources.pods, ref, "exec"), {
    command: options.command,
    container: options.container,
    stdin: options.stdin ? true : undefined,
    stdout: true,
    stderr: options.tty ? undefined : true,
    tty: options.tty ? true : undefined,
  });
  const url = new URL(server.pathname.replace(/\/$/, "") + path, server);
  url.protocol = server.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, protocols, {
    ...tlsOptions(config),
    ...(connect && { createConnection: connect }),
    headers: identityHeaders(config),
    handshakeTimeout: execLimits.openMs,
    maxPayload: execLimits.frameBytesMost,
    perMessageDeflate: false,
  });
  const exit = listen(socket, options);
  const abort = () => socket.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("close", () => signal?.removeEventListener("abort", abort));
  await opened(socket, server);
  return session(socket, exit);
}

function opened(socket: WebSocket, server: URL): Promise<void> {
  const open = deferred<void>();
  socket.once("open", () => open.resolve());
  socket.once("unexpected-response", (request, answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.once("end", () => {
      open.reject(apiErrorFrom(answer.statusCode ?? 0, Buffer.concat(chunks).toString("utf8")));
      request.destroy();
    });
  });
  socket.once("error", (cause) =>
    open.reject(new ConnectionError(`exec: no answer from ${server.host}`, { neverSent: true, cause })),
  );
  return open.promise;
}

/** Hands output to the callbacks; the promise settles with the error channel's verdict. */
function listen(socket: WebSocket, options: ExecOptions): Promise<number> {
  const exit = deferred<number>();
  exit.promise.catch(() => undefined); // heard by whoever awaits exitCode
  socket.on("message", (data: Buffer) => {
    const bytes = data.subarray(1);
    if (data[0] === channel.stdout) options.onStdout(bytes);
    else if (data[0] === channel.stderr) options.onStderr(bytes);
    else if (data[0] === channel.error) {
      try {
        exit.resolve(exitCodeOf(bytes.toString("utf8")));
      } catch (error) {
        exit.reject(error);
      }
    }
  });
  socket.on("error", (cause) =>
    exit.reject(new ConnectionError("exec: cut off", { neverSent: false, cause })),
  );
  socket.once("close", () =>
    exit.reject(new ConnectionError("exec: the connection ended without a status", { neverSent: false })),
  );
  return exit.promise;
}

function exitCodeOf(text: string): number {
  const status: Status = statusFrom(text) ?? {};
  if (status.status === "Success") return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === "ExitCode");
  if (status.reason === "NonZeroExitCode" && cause?.message !== undefined) return Number(cause.message);
  throw apiErrorFrom(status.code ?? 500, text);
}

function session(socket: WebSocket, exitCode: Promise<number>): ExecSession {
  const frame = (to: number, bytes: Uint8Array) => Buffer.concat([Buffer.from([to]), bytes]);
  const waiting: (() => void)[] = [];
  const wake = () => {
    if (socket.bufferedAmount < execLimits.bufferBytesMost || socket.readyState !== WebSocket.OPEN)
      for (const resolve of waiting.splice(0)) resolve();
  };
  socket.once("close", wake);
  return {
    exitCode,
    write(bytes) {
      if (socket.readyState !== WebSocket.OPEN) return true; // the far end is gone; exitCode says so
      socket.send(frame(channel.stdin, bytes), wake);
      return socket.bufferedAmount < execLimits.bufferBytesMost;
    },
    drained() {
      return new Promise((resolve) => {
        waiting.push(resolve);
        wake();
      });
    },
    closeStdin() {
      if (socket.readyState === WebSocket.OPEN && socket.protocol === protocols[0])
        socket.send(Buffer.from([channel.close, channel.stdin]));
    },
    resize({ width, height }) {
      if (socket.readyState !== WebSocket.OPEN) return;
      socket.send(frame(channel.resize, Buffer.from(JSON.stringify({ Width: width, Height: height }))));
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: () => socket.terminate(),
  };
}
