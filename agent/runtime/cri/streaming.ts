import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP } from "node:net";
import { Duplex, PassThrough, type Readable, Writable } from "node:stream";
import type { Clock } from "../../../base/os/clock.ts";
import { SpdyConnection, type SpdyStream } from "../../server/spdy/connection.ts";
import { type ExecOptions, RuntimeError, type Session } from "../seam.ts";

export const streamingLimits = {
  urlCharsMost: 2048,
  /** The streaming server takes the connection, and what a session's end says, within this. */
  answerMs: 30_000,
  statusBytesMost: 64 * 1024,
  refusalCharsMost: 1024,
} as const;

/** Kubernetes' remote command protocol of which exit codes are a part. */
const commandProtocol = "v4.channel.k8s.io";
const portProtocol = "portforward.k8s.io";

/** Joins a command that the runtime runs at this URL. */
export async function execSession(
  url: string,
  { stdin, tty }: Pick<ExecOptions, "stdin" | "tty">,
  clock: Clock,
): Promise<Session> {
  const connection = await dial(url, commandProtocol, clock);
  const open = (type: string) => connection.open([["streamtype", type]]);
  const error = open("error");
  const input = stdin ? open("stdin") : undefined;
  const stdout = open("stdout");
  const stderr = tty ? undefined : open("stderr");
  const sizes = tty ? open("resize") : undefined;
  stdout.end();
  stderr?.end();
  error.end();
  input?.resume();
  sizes?.resume();
  const exited = exitCodeOf(error).finally(() => {
    // What was said is read to its end; nothing more can be.
    input?.destroy();
    sizes?.destroy();
    void Promise.all([stdout, stderr].map(ended)).then(() => connection.close());
  });
  exited.catch(() => undefined); // the session's user hears it
  return {
    stdin: input && tty ? typing(input) : input,
    stdout: readable(stdout),
    stderr: stderr && readable(stderr),
    resize: (columns, rows) => resize(sizes, columns, rows),
    exited,
    kill: () => connection.destroy(),
  };
}

/** The standard input of a container at this URL, and its terminal's size. */
export async function attachInput(
  url: string,
  { stdin, tty }: { readonly stdin: boolean; readonly tty: boolean },
  clock: Clock,
): Promise<{ readonly stdin: Duplex | undefined; resize(columns: number, rows: number): void }> {
  const connection = await dial(url, commandProtocol, clock);
  const open = (type: string) => connection.open([["streamtype", type]]);
  const error = open("error");
  const input = stdin ? open("stdin") : undefined;
  // Somebody has to take what a terminal says; the log has it, too.
  const output = stdin ? undefined : open("stdout");
  const sizes = tty ? open("resize") : undefined;
  for (const one of [error, input, output, sizes]) one?.resume();
  input?.once("close", () => connection.close());
  return { stdin: input, resize: (columns, rows) => resize(sizes, columns, rows) };
}

/** A connection to a port of the pod at this URL. */
export async function portStream(url: string, port: number, clock: Clock): Promise<Duplex> {
  const connection = await dial(url, portProtocol, clock);
  const open = (type: string) =>
    connection.open([
      ["streamtype", type],
      ["port", String(port)],
      ["requestid", "0"],
    ]);
  const error = open("error");
  error.end();
  const data = open("data");
  // What is wrong is said on a stream of its own, beside which the data's just ends: whoever reads waits for what is said.
  const heard = new PassThrough();
  data.pipe(heard, { end: false });
  const said = textOf(error).then(
    (text) => {
      if (text === "") return;
      heard.destroy(new RuntimeError(text.slice(0, streamingLimits.refusalCharsMost)));
      data.destroy();
    },
    () => void heard.destroy(),
  );
  const ends = [once(data, "end"), once(data, "close")].map((end) => end.catch(() => undefined)); // its break is an end, too
  void Promise.race(ends).then(async () => {
    const stopTimer = clock.after(streamingLimits.answerMs, () => connection.destroy());
    await said;
    stopTimer();
    heard.end();
  });
  void Promise.all([ended(data), said]).then(() => connection.close());
  return Duplex.from({ readable: heard, writable: data });
}

function resize(sizes: SpdyStream | undefined, columns: number, rows: number): void {
  if (sizes === undefined || sizes.destroyed) return;
  sizes.write(JSON.stringify({ Width: Math.max(1, columns), Height: Math.max(1, rows) }));
}

const endOfTransmission = "\x04";

/** What is typed at a terminal: its end is a sign that is typed, too, for the terminal goes on. */
function typing(input: SpdyStream): Writable {
  return new Writable({
    // The runtime takes the end of the stream for the end of the session.
    autoDestroy: false,
    write: (bytes: Buffer, _encoding, done) => void input.write(bytes, done),
    final: (done) => void input.write(endOfTransmission, done),
    destroy: (error, done) => {
      input.destroy();
      done(error);
    },
  }).on("error", () => undefined); // its end is told by the session's
}

/** Ends where the stream does, and where it breaks. */
function readable(stream: SpdyStream): Readable {
  const out = new PassThrough();
  stream.pipe(out);
  stream.once("close", () => out.end());
  return out;
}

async function ended(stream: SpdyStream | undefined): Promise<void> {
  if (stream !== undefined && !stream.closed) await once(stream, "close");
}

/** The code in the status that the runtime tells at the end. */
async function exitCodeOf(error: SpdyStream): Promise<number> {
  const text = await textOf(error);
  if (text === "") throw new RuntimeError("the container runtime ended the session without a word of how");
  let status: { status?: unknown; message?: unknown; details?: { causes?: unknown } };
  try {
    status = JSON.parse(text);
  } catch (cause) {
    throw new RuntimeError(text.slice(0, streamingLimits.refusalCharsMost), { cause });
  }
  if (status.status === "Success") return 0;
  const causes = Array.isArray(status.details?.causes) ? status.details.causes : [];
  for (const cause of causes)
    if (cause?.reason === "ExitCode" && /^\d{1,3}$/.test(String(cause.message))) return Number(cause.message);
  throw new RuntimeError(String(status.message ?? "it failed").slice(0, streamingLimits.refusalCharsMost));
}

async function textOf(stream: SpdyStream): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  stream.on("data", (piece: Buffer) => {
    size += piece.length;
    if (size > streamingLimits.statusBytesMost) stream.destroy();
    else pieces.push(piece);
  });
  await ended(stream);
  return Buffer.concat(pieces).toString("utf8");
}

/** Connects to the runtime's streaming server, which is on this machine, and makes the connection SPDY's. */
async function dial(text: string, protocol: string, clock: Clock): Promise<SpdyConnection> {
  const url = streamingUrl(text);
  const send = url.protocol === "https:" ? httpsRequest : httpRequest;
  const request = send(url, {
    method: "POST",
    // Its certificate is self-made where it has one; the machine itself is whom we speak to.
    rejectUnauthorized: false,
    headers: { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": protocol },
  });
  const { socket, head } = await new Promise<{ socket: Duplex; head: Buffer }>((resolve, reject) => {
    const fail = (why: string, cause?: unknown) => {
      request.destroy();
      reject(new RuntimeError(`the container runtime's streaming server ${why}`, { cause }));
    };
    const stop = clock.after(streamingLimits.answerMs, () => fail("does not answer"));
    request.once("error", (cause) => {
      stop();
      fail(`cannot be reached: ${cause.message}`, cause);
    });
    request.once("response", (answer: IncomingMessage) => {
      stop();
      fail(`refuses: ${answer.statusCode} ${answer.statusMessage ?? ""}`);
    });
    request.once("upgrade", (_answer, socket: Duplex, head: Buffer) => {
      stop();
      resolve({ socket, head });
    });
    request.end();
  });
  if (head.length > 0) socket.unshift(head);
  return new SpdyConnection(socket, { onStream: () => false, onClose: () => undefined }, clock, "opens");
}

/** Nobody but this machine is connected to, whatever the runtime says. Throws RuntimeError. Pure. */
export function streamingUrl(text: string): URL {
  if (text.length <= streamingLimits.urlCharsMost && URL.canParse(text)) {
    const url = new URL(text);
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const isLocal = host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
    if (isLocal && (url.protocol === "http:" || url.protocol === "https:")) return url;
  }
  throw new RuntimeError(
    `the container runtime streams at ${JSON.stringify(text.slice(0, 100))}, which is not on this machine's loopback`,
  );
}
