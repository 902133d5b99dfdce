import { finished, type Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import type { Clock } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Session } from "../runtime/seam.ts";
import { type ChannelProtocol, channel, decodeFrame, encodeFrame } from "./channel-protocol.ts";
import { endUnlessTaking } from "./last-words.ts";
import { exitStatus, failureStatus, parseSize, type SessionStatus, statusText } from "./session-status.ts";

export const remoteCommandLimits = {
  frameBytesMost: 1024 * 1024,
  bufferBytesMost: 1024 * 1024,
  pingMs: 30_000,
} as const;

/** What the client wants of a session. */
export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** A client's connection, and how it is spoken to. */
export interface SessionSocket {
  readonly socket: WebSocket;
  readonly protocol: ChannelProtocol;
}

/** Joins a client and a process until either ends; then tells how the process ended and closes. All output has gone before
 *  that is told; a client that takes none of it any more holds up the process as long as that runs, and is then cut off. Never
 *  rejects. */
export async function serveSession(
  client: SessionSocket,
  session: Session,
  wanted: Pick<Wanted, "stdout" | "stderr">,
  clock: Clock,
): Promise<void> {
  const { socket } = client;
  socket.on("message", (data: RawData) =>
    fromClient(
      Buffer.isBuffer(data) ? data : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]),
      client,
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
  greet(client, wanted);
  const taken: Taken = { frames: 0 };
  let stopWatching = () => {};
  try {
    const outputs = [
      toClient(client, { to: channel.stdout, from: session.stdout, isWanted: wanted.stdout, taken }),
    ];
    if (session.stderr)
      outputs.push(
        toClient(client, { to: channel.stderr, from: session.stderr, isWanted: wanted.stderr, taken }),
      );
    const exitCode = await session.exited;
    stopWatching = endUnlessTaking(
      clock,
      () => taken.frames,
      () => socket.terminate(),
    );
    await Promise.all(outputs);
    sendStatus(client, exitStatus(exitCode));
  } catch (error) {
    sendStatus(client, failureStatus(describeError(error)));
  } finally {
    stopWatching();
    clearInterval(ping);
    socket.close(1000);
  }
}

/** For what could not even be started. */
export function refuseSession(client: SessionSocket, message: string): void {
  client.socket.on("error", () => client.socket.terminate());
  sendStatus(client, failureStatus(message));
  client.socket.close(1000);
}

/** Older clients are told by an empty frame that they are connected. */
function greet(
  { socket, protocol }: SessionSocket,
  { stdout, stderr }: Pick<Wanted, "stdout" | "stderr">,
): void {
  if (protocol.hasClose) return;
  const first = stdout ? channel.stdout : stderr ? channel.stderr : channel.error;
  socket.send(encodeFrame(protocol, first, Buffer.alloc(0)));
}

function fromClient(frame: Buffer, { socket, protocol }: SessionSocket, session: Session): void {
  const decoded = decodeFrame(protocol, frame);
  if (decoded === undefined) return;
  const { from, bytes } = decoded;
  switch (from) {
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
      if (protocol.hasClose && bytes[0] === channel.stdin) session.stdin?.end();
  }
}

/** What has left for the client. */
interface Taken {
  frames: number;
}

interface Output {
  readonly to: number;
  readonly from: NodeJS.ReadableStream;
  readonly isWanted: boolean;
  readonly taken: Taken;
}

/** Pumps a stream into frames, or away when the client does not want it; waits while the client is slow. Resolves at the
 *  stream's end. */
function toClient({ socket, protocol }: SessionSocket, { to, from, isWanted, taken }: Output): Promise<void> {
  from.on("data", (data: Buffer | string) => {
    if (!isWanted || socket.readyState !== socket.OPEN) return;
    socket.send(encodeFrame(protocol, to, Buffer.from(data)), () => {
      taken.frames++;
      if (socket.bufferedAmount < remoteCommandLimits.bufferBytesMost) from.resume();
    });
    if (socket.bufferedAmount >= remoteCommandLimits.bufferBytesMost) from.pause();
  });
  socket.once("close", () => from.resume());
  return new Promise((resolve) => finished(from as Readable, { writable: false }, () => resolve()));
}

function sendStatus({ socket, protocol }: SessionSocket, status: SessionStatus): void {
  if (socket.readyState !== socket.OPEN) return;
  const text = statusText(status, protocol);
  if (text !== "") socket.send(encodeFrame(protocol, channel.error, Buffer.from(text)));
}
