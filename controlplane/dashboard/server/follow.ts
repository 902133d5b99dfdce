import type { IncomingMessage } from "node:http";
import type { WebSocket } from "ws";
import type { ApiWay } from "./api-way.ts";

/** The protocol of `/follow`: many streams of lines (watches, logs) on one WebSocket, since a browser opens only six connections to
 *  a host. Texts from the browser: `{"open": ID, "path": PATH, "accept"?: TYPES}` and `{"close": ID}`. Texts to it, each with
 *  a line break behind its first two words: `ID open` once the server agreed, `ID lines` with whole lines as they came, and at the
 *  stream's end `ID end` with `{"code", "message"}`. */
export const followProtocol = "pintle.follow.v1";

export const followLimits = {
  streamsMost: 128,
  messageBytesMost: 16 * 1024,
  lineBytesMost: 16 * 1024 * 1024,
  refusalBytesMost: 64 * 1024,
  /** What a browser has not taken yet; beyond it nothing more is read for it. */
  bufferBytesMost: 4 * 1024 * 1024,
  pingMs: 30_000,
} as const;

type Wish =
  | { readonly open: number; readonly path: string; readonly accept: string }
  | { readonly close: number };

/** What a browser said; undefined for what is not of the protocol. Pure. */
export function readWish(text: string): Wish | undefined {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof said !== "object" || said === null) return undefined;
  const { open, close, path, accept = "application/json" } = said as Record<string, unknown>;
  if (isId(close)) return { close };
  if (!isId(open) || typeof path !== "string" || typeof accept !== "string") return undefined;
  if (!/^\/(api|apis)\/[\x21-\x7e]*$/.test(path) || !/^[\x20-\x7e]*$/.test(accept)) return undefined;
  return { open, path, accept };
}

const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Serves one browser's WebSocket until it closes. */
export function serveFollowing(socket: WebSocket, way: ApiWay): void {
  const streams = new Map<number, LineStream>();
  const limit = followLimits;
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive) return socket.terminate();
    isAlive = false;
    socket.ping();
  }, limit.pingMs);
  socket.on("pong", () => {
    isAlive = true;
  });
  socket.on("message", (data: Buffer, isBinary) => {
    const wish = isBinary ? undefined : readWish(data.toString());
    if (wish === undefined) return socket.close(1007, "not of the protocol");
    if ("close" in wish) {
      streams.get(wish.close)?.stop();
      streams.delete(wish.close);
      return;
    }
    if (streams.has(wish.open) || streams.size >= limit.streamsMost)
      return socket.close(1008, "too many streams, or one number twice");
    const stream = new LineStream(socket, way, wish);
    streams.set(wish.open, stream);
    stream.onEnd = () => {
      if (streams.get(wish.open) === stream) streams.delete(wish.open);
    };
    void stream.run();
  });
  socket.on("error", () => socket.terminate());
  socket.once("close", () => {
    clearInterval(pings);
    for (const stream of streams.values()) stream.stop();
  });
}

/** One answer of the API server, line by line. */
class LineStream {
  readonly #socket: WebSocket;
  readonly #way: ApiWay;
  readonly #wish: Extract<Wish, { open: number }>;
  /** The beginning of a line whose end has not come. */
  #rest: Buffer[] = [];
  #restBytes = 0;
  #isOver = false;
  #cancel: () => void = () => undefined;
  onEnd: () => void = () => undefined;

  constructor(socket: WebSocket, way: ApiWay, wish: Extract<Wish, { open: number }>) {
    this.#socket = socket;
    this.#way = way;
    this.#wish = wish;
  }

  async run(): Promise<void> {
    const { path, accept } = this.#wish;
    try {
      const outgoing = await this.#way.begin({ method: "GET", path, lasting: true, headers: { accept } });
      if (this.#isOver) {
        outgoing.on("error", () => undefined).destroy();
        return;
      }
      this.#cancel = () => outgoing.destroy();
      outgoing.once("error", (error) => this.#end(502, `the API server does not answer: ${error.message}`));
      outgoing.once("response", (answer) => this.#read(answer));
      outgoing.end();
    } catch (error) {
      this.#end(502, error instanceof Error ? error.message : String(error));
    }
  }

  /** Says nothing more. */
  stop(): void {
    this.#isOver = true;
    this.#cancel();
  }

  #read(answer: IncomingMessage): void {
    const code = answer.statusCode ?? 502;
    const isGood = code >= 200 && code < 300;
    let refusal = "";
    if (isGood) this.#say("open", "");
    answer.on("data", (piece: Buffer) => {
      if (isGood) this.#take(piece, answer);
      else if (refusal.length < followLimits.refusalBytesMost) refusal += piece.toString();
    });
    answer.once("error", (error) => this.#end(502, `cut off: ${error.message}`));
    answer.once("end", () => {
      if (isGood && this.#restBytes > 0) this.#send(Buffer.concat(this.#rest), answer);
      this.#end(isGood ? 200 : code, isGood ? "" : refusalOf(refusal));
    });
  }

  #take(piece: Buffer, answer: IncomingMessage): void {
    const lastBreak = piece.lastIndexOf(0x0a);
    if (lastBreak < 0) {
      this.#rest.push(piece);
      this.#restBytes += piece.length;
      if (this.#restBytes > followLimits.lineBytesMost) {
        this.#end(502, `a line of more than ${followLimits.lineBytesMost} bytes`);
        this.#cancel();
      }
      return;
    }
    this.#rest.push(piece.subarray(0, lastBreak));
    const whole = this.#rest.length === 1 ? (this.#rest[0] as Buffer) : Buffer.concat(this.#rest);
    const left = piece.subarray(lastBreak + 1);
    this.#rest = left.length > 0 ? [left] : [];
    this.#restBytes = left.length;
    this.#send(whole, answer);
  }

  #send(lines: Buffer, answer: IncomingMessage): void {
    if (this.#isOver) return;
    const socket = this.#socket;
    // A container may write what is no UTF-8; a text message must be.
    const text = `${this.#wish.open} lines\n${lines.toString("utf8")}`;
    socket.send(text, () => {
      if (socket.bufferedAmount < followLimits.bufferBytesMost) answer.resume();
    });
    if (socket.bufferedAmount >= followLimits.bufferBytesMost) answer.pause();
  }

  #end(code: number, message: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#say("end", JSON.stringify({ code, message }));
    this.onEnd();
  }

  #say(what: "open" | "end", text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN)
      this.#socket.send(`${this.#wish.open} ${what}\n${text}`);
  }
}

/** The sentence of a Status; else the text itself. */
function refusalOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    if (typeof message === "string") return message;
  } catch {
    // A proxy's page is shown as it is.
  }
  return text.trim();
}
