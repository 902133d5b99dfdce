import { finished, type Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { describeError } from "../../base/os/log.ts";
import type { Session } from "../runtime/seam.ts";

/** The channels of Kubernetes' remote command protocol; each frame begins with one of these bytes. */
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
export const remoteCommandProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

export const remoteCommandLimits = {
  frameBytesMost: 1024 * 1024,
  bufferBytesMost: 1024 * 1024,
  pingMs: 30_000,
} as const;

/** Joins a client and a process until either ends; then tells how the process ended and closes. Never rejects. */
export async function serveSession(socket: WebSocket, session: Session): Promise<void> {
  socket.on("message", (data: RawData) =>
    fromClient(
      Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]),
      socket,
      session,
    ),
  );
  socket.once("close", () => {
    session.stdin?.end();
    session.kill();
  });
  socket.on("error", () => socket.terminate());
  session.stdin?.on("error", () => session.stdin?.end());
  const ping = setInterval(() => socket.ping(), remoteCommandLimits.pingMs);
  try {
    const outputs = [toClient(socket, channel.stdout, session.stdout)];
    if (session.stderr) outputs.push(toClient(socket, channel.stderr, session.stderr));
    const exitCode = await session.exited;
    await Promise.all(outputs);
    sendStatus(socket, exitStatus(exitCode));
  } catch (error) {
    sendStatus(socket, failure(describeError(error)));
  } finally {
    clearInterval(ping);
    socket.close(1000);
  }
}

/** For what could not even be started. */
export function refuseSession(socket: WebSocket, message: string): void {
  sendStatus(socket, failure(message));
  socket.close(1000);
}

function fromClient(frame: Buffer, socket: WebSocket, session: Session): void {
  const bytes = frame.subarray(1);
  switch (frame[0]) {
    case channel.stdin: {
      const { stdin } = session;
      if (stdin === undefined || bytes.length === 0) return;
      if (stdin.write(bytes)) return;
      socket.pause();
      stdin.once("drain", () => socket.resume());
      return;
    }
    case channel.resize: {
      const size = parseSize(bytes.toString("utf8"));
      if (size !== undefined) session.resize(size.width, size.height);
      return;
    }
    case channel.close:
      if (bytes[0] === channel.stdin) session.stdin?.end();
  }
}

function parseSize(text: string): { width: number; height: number } | undefined {
  const match = { width: /"Width":\s*(\d+)/.exec(text)?.[1], height: /"Height":\s*(\d+)/.exec(text)?.[1] };
  if (match.width === undefined || match.height === undefined) return undefined;
  return { width: Math.min(Number(match.width), 65_535), height: Math.min(Number(match.height), 65_535) };
}

/** Pumps a stream into frames; waits while the client is slow. Resolves at the stream's end. */
function toClient(socket: WebSocket, to: number, from: NodeJS.ReadableStream): Promise<void> {
  from.on("data", (data: Buffer | string) => {
    if (socket.readyState !== socket.OPEN) return;
    const frame = Buffer.concat([Buffer.from([to]), Buffer.from(data)]);
    socket.send(frame, () => {
      if (socket.bufferedAmount < remoteCommandLimits.bufferBytesMost) from.resume();
    });
    if (socket.bufferedAmount >= remoteCommandLimits.bufferBytesMost) from.pause();
  });
  socket.once("close", () => from.resume());
  return new Promise((resolve) => finished(from as Readable, { writable: false }, () => resolve()));
}

function sendStatus(socket: WebSocket, status: object): void {
  if (socket.readyState !== socket.OPEN) return;
  socket.send(Buffer.concat([Buffer.from([channel.error]), Buffer.from(JSON.stringify(status))]));
}

const typeMeta = { kind: "Status", apiVersion: "v1" } as const;

function exitStatus(exitCode: number): object {
  if (exitCode === 0) return { ...typeMeta, metadata: {}, status: "Success" };
  return {
    ...typeMeta,
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
  };
}

function failure(message: string): object {
  return {
    ...typeMeta,
    metadata: {},
    status: "Failure",
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    code: 500,
  };
}
