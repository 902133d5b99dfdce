import { type IncomingHttpHeaders, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { BytePieces } from "../byte-pieces.ts";
import type { Header } from "./header.ts";
import { headerValue } from "./request-headers.ts";
import type { Http2Stream } from "./stream.ts";

/** A request on a stream, as Node's servers of HTTP/1.1 hand them out: its body is taken from the client as it is read. */
export class ServerRequest extends IncomingMessage {
  readonly #stream: Http2Stream;
  readonly #arrived = new BytePieces();
  #isWanted = false;
  #hasEnded = false;

  constructor(stream: Http2Stream, headers: readonly Header[], socket: Socket) {
    super(socket);
    this.#stream = stream;
    this.httpVersion = "2.0";
    this.httpVersionMajor = 2;
    this.httpVersionMinor = 0;
    this.method = headerValue(headers, ":method") ?? "GET";
    this.url = headerValue(headers, ":path") ?? "/";
    this.rawHeaders = rawHeaders(headers);
    this.headers = joined(this.rawHeaders);
    // Whoever reads it may have left when its end is told: as with HTTP/1.1's, nobody need listen.
    this.on("error", () => undefined);
    if (stream.remoteEnded) this.arriveEnd();
  }

  arrive(bytes: Buffer): void {
    if (this.destroyed) {
      this.#stream.consumed(bytes.length);
      return;
    }
    this.#arrived.add(bytes);
    this.#deliver();
    this.#arrived.keep();
  }

  arriveEnd(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#deliver();
  }

  /** No more of it comes. */
  abort(): void {
    if (this.destroyed || this.complete) return;
    this.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
  }

  /** Whoever reads again makes room for what arrived meanwhile. */
  override read(size?: number): unknown {
    const piece: unknown = super.read(size);
    if (this.#arrived.length > 0) process.nextTick(() => this.#deliver());
    return piece;
  }

  override _read(): void {
    this.#isWanted = true;
    this.#deliver();
  }

  /** Other streams live on the same connection: unlike HTTP/1.1's, this request ends alone. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#stream.consumed(this.#arrived.length);
    this.#arrived.clear();
    if (!this.readableEnded || !this.complete) this.aborted = true;
    process.nextTick(done, error);
  }

  /** One piece at a time waits with the reader: small ones are joined here, not there. */
  #deliver(): void {
    while (this.#isWanted && this.readableLength === 0) {
      const piece = this.#arrived.next();
      if (piece === undefined) break;
      this.#stream.consumed(piece.length);
      this.#isWanted = this.push(piece);
    }
    if (!this.#hasEnded || this.#arrived.length > 0 || this.complete) return;
    this.complete = true;
    this.push(null);
  }
}

/** Names and values by turns. What HTTP/1.1 calls the host is a part of the request's address here. */
function rawHeaders(headers: readonly Header[]): string[] {
  const raw: string[] = [];
  const authority = headerValue(headers, ":authority");
  if (authority !== undefined) raw.push("host", authority);
  for (const { name, value } of headers)
    if (!name.startsWith(":") && !(name === "host" && authority !== undefined)) raw.push(name, value);
  return raw;
}

/** Headers of which the first holds, as with HTTP/1.1. */
const once: ReadonlySet<string> = new Set([
  "age",
  "authorization",
  "content-length",
  "content-type",
  "etag",
  "expires",
  "from",
  "host",
  "if-modified-since",
  "if-unmodified-since",
  "last-modified",
  "location",
  "max-forwards",
  "proxy-authorization",
  "referer",
  "retry-after",
  "server",
  "user-agent",
]);

/** One value a name, by the rules of Node's `IncomingMessage.headers`. */
function joined(raw: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name, value] = [raw[at] as string, raw[at + 1] as string];
    const before = headers[name];
    if (name === "set-cookie") headers[name] = [before ?? [], value].flat();
    else if (before === undefined) headers[name] = value;
    else if (!once.has(name)) headers[name] = `${before}${name === "cookie" ? "; " : ", "}${value}`;
  }
  return headers;
}
