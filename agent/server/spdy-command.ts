import type { Duplex, Readable } from "node:stream";
import { finished } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import type { Clock } from "../../base/os/clock.ts";
import { describeError } from "../../base/os/log.ts";
import type { Session } from "../runtime/seam.ts";
import type { Wanted } from "./remote-command.ts";
import { exitStatus, failureStatus, parseSize, type SessionStatus, statusText } from "./session-status.ts";
import { SpdyConnection, type SpdyStream } from "./spdy/connection.ts";

/** The remote command protocol over SPDY, newest first. */
export const spdyCommandProtocols = [
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
] as const;

/** How long a client may take to open its streams. */
const streamsMs = 30_000;
const sizeCharsMax = 1024;

type StreamName = "error" | "stdin" | "stdout" | "stderr" | "resize";
type Streams = Partial<Record<StreamName, SpdyStream>>;

export interface SpdyCommand {
  readonly protocol: string;
  readonly wanted: Wanted;
  readonly clock: Clock;
  /** Starts what the client is to be joined with. */
  start(): Promise<Session>;
}

/** Joins a client that speaks SPDY with a process, until either ends; then tells how the process ended. All output has gone before
 *  that is told. Never rejects. */
export async function serveSpdyCommand(socket: Duplex, command: SpdyCommand): Promise<void> {
  const { clock, protocol, wanted } = command;
  const names = streamNames(wanted, protocol);
  const streams: Streams = {};
  const all = deferred<void>();
  const gone = deferred<void>();
  const isGone = { now: false };
  const connection = new SpdyConnection(
    socket,
    {
      onStream(stream) {
        const name = names.find((one) => one === stream.headers.get("streamtype"));
        if (name === undefined || streams[name] !== undefined) return false;
        streams[name] = stream;
        if (names.every((one) => streams[one] !== undefined)) all.resolve();
        return true;
      },
      onClose() {
        isGone.now = true;
        all.resolve();
        gone.resolve();
      },
    },
    clock,
  );
  const cancel = clock.after(streamsMs, () => connection.destroy());
  await all.promise;
  cancel();
  const { error } = streams;
  if (isGone.now || error === undefined) return;
  error.resume();
  const hasStatus = protocol === "v4.channel.k8s.io";
  const tell = (status: SessionStatus) =>
    new Promise<void>((resolve) => {
      finished(error, { readable: false }, () => resolve());
      error.end(statusText(status, { hasStatus }));
    });
  try {
    const session = await command.start();
    gone.promise.then(
      () => {
        session.stdin?.end();
        session.kill();
      },
      () => session.kill(),
    );
    if (isGone.now) session.kill();
    await tell(exitStatus(await joined(session, streams, wanted)));
  } catch (failure) {
    await tell(failureStatus(describeError(failure)));
  } finally {
    connection.close();
  }
}

function streamNames({ stdin, stdout, stderr, tty }: Wanted, protocol: string): readonly StreamName[] {
  const resizes = tty && /^v[34]\./.test(protocol);
  return [
    "error",
    ...(stdin ? (["stdin"] as const) : []),
    ...(stdout ? (["stdout"] as const) : []),
    ...(stderr ? (["stderr"] as const) : []),
    ...(resizes ? (["resize"] as const) : []),
  ];
}

/** The exit code, once all output has been taken. */
async function joined(session: Session, streams: Streams, wanted: Wanted): Promise<number> {
  const { stdin } = session;
  stdin?.on("error", () => stdin.end());
  if (stdin !== undefined) streams.stdin?.pipe(stdin);
  else streams.stdin?.resume();
  if (streams.resize !== undefined) followSizes(streams.resize, session);
  const outputs = [poured(session.stdout, wanted.stdout ? streams.stdout : undefined)];
  if (session.stderr !== undefined)
    outputs.push(poured(session.stderr, wanted.stderr ? streams.stderr : undefined));
  else streams.stderr?.end();
  const exitCode = await session.exited;
  await Promise.all(outputs);
  return exitCode;
}

/** Pours a process' output into a stream, or away when nobody wants it, or wants it no more. Resolves when all has gone. */
async function poured(from: NodeJS.ReadableStream, to: SpdyStream | undefined): Promise<void> {
  const ended = new Promise<void>((resolve) =>
    finished(from as Readable, { writable: false }, () => resolve()),
  );
  if (to === undefined) {
    from.resume();
    return ended;
  }
  to.resume();
  const taken = new Promise<void>((resolve) => finished(to, { readable: false }, () => resolve()));
  to.once("close", () => {
    from.unpipe(to);
    from.resume();
  });
  from.pipe(to);
  await ended;
  to.end();
  await taken;
}

function followSizes(stream: SpdyStream, session: Session): void {
  let text = "";
  stream.setEncoding("utf8").on("data", (piece: string) => {
    const whole = (text + piece).split("}");
    text = (whole.pop() ?? "").slice(-sizeCharsMax);
    for (const one of whole) {
      const size = parseSize(one);
      if (size !== undefined) session.resize(size.width, size.height);
    }
  });
}
