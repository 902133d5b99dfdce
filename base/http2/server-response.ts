import { validateHeaderName, validateHeaderValue } from "node:http";
import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { namePattern, ofConnections } from "./fields.ts";
import { errorCodes } from "./frames.ts";
import type { Header } from "./header.ts";
import { headerBlock } from "./header-block.ts";
import type { HeaderValue, HttpResponse } from "./http-response.ts";
import type { Http2Stream } from "./stream.ts";

/** White space at the ends of a value means nothing in HTTP/1.1, and is an error in HTTP/2. */
const blankEnds = /^[\t ]+|[\t ]+$/g;

export interface ResponseParts {
  readonly method: string;
  readonly socket: Socket;
  /** The time of the answer, for its `Date`. */
  readonly date: () => string;
  /** The connection is to serve nothing more. */
  readonly goAway: () => void;
}

/** The answer on a stream. What is written and not yet taken is bounded: `write` answers false, and `drain` tells when there is
 *  room again. `finish` and `close` come when the last of it is on its way. */
export class ServerResponse extends Writable implements HttpResponse {
  statusCode = 200;
  statusMessage = "";
  readonly #stream: Http2Stream;
  readonly #parts: ResponseParts;
  /** By names in lower case. */
  readonly #headers = new Map<string, number | string | string[]>();
  /** The head is fixed. */
  #isHeadWritten = false;
  /** It has left. */
  #isHeadSent = false;
  #keepsAlive = true;
  #trailers: Header[] | undefined;
  #taken: (() => void) | undefined;
  #sent: (() => void) | undefined;

  constructor(stream: Http2Stream, parts: ResponseParts) {
    super({ decodeStrings: true });
    this.#stream = stream;
    this.#parts = parts;
    // Whoever answers hears of its end by `close`.
    this.on("error", () => undefined);
  }

  get headersSent(): boolean {
    return this.#isHeadWritten;
  }

  get socket(): Socket {
    return this.#parts.socket;
  }

  get shouldKeepAlive(): boolean {
    return this.#keepsAlive;
  }

  set shouldKeepAlive(keeps: boolean) {
    this.#keepsAlive = keeps;
    if (!keeps) this.#parts.goAway();
  }

  setHeader(name: string, value: HeaderValue): this {
    if (this.#isHeadWritten)
      throw Object.assign(new Error("Cannot set headers after they are sent to the client"), {
        code: "ERR_HTTP_HEADERS_SENT",
      });
    validateHeaderName(name);
    for (const one of typeof value === "object" ? value : [value]) validateHeaderValue(name, String(one));
    this.#headers.set(name.toLowerCase(), typeof value === "object" ? [...value] : value);
    return this;
  }

  getHeader(name: string): number | string | string[] | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  hasHeader(name: string): boolean {
    return this.#headers.has(name.toLowerCase());
  }

  removeHeader(name: string): void {
    this.#headers.delete(name.toLowerCase());
  }

  appendHeader(name: string, value: string | readonly string[]): this {
    const all = [this.getHeader(name) ?? [], value].flat().map(String);
    return this.setHeader(name, all.length === 1 ? (all[0] as string) : all);
  }

  /** The head is sent with the first bytes of the body, or by `flushHeaders`. */
  writeHead(code: number, headers: Readonly<Record<string, number | string>> | string[] = {}): this {
    if (isFlat(headers))
      for (let at = 0; at + 1 < headers.length; at += 2)
        this.appendHeader(headers[at] as string, headers[at + 1] as string);
    else for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    this.statusCode = code;
    this.#isHeadWritten = true;
    return this;
  }

  flushHeaders(): void {
    if (!this.#isHeadSent && !this.destroyed) this.#sendHead(false);
  }

  addTrailers(headers: readonly [string, string][]): void {
    const isAllowed = (name: string) => namePattern.test(name) && !ofConnections.has(name);
    const named = headers.map(([name, value]) => ({
      name: name.toLowerCase(),
      value: value.replace(blankEnds, ""),
    }));
    for (const { name, value } of named) validateHeaderValue(name, value);
    this.#trailers = named.filter(({ name }) => isAllowed(name));
  }

  override end(...given: unknown[]): this {
    const [chunk, encoding] = given;
    // The whole body at once: then its length is known.
    if (!this.#isHeadWritten && this.writableLength === 0 && !this.hasHeader("content-length"))
      this.setHeader("content-length", lengthOf(chunk, encoding));
    return super.end(...(given as Parameters<Writable["end"]>));
  }

  /** There is room for more. */
  drained(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  /** The last frame is on its way. */
  sent(): void {
    const sent = this.#sent;
    this.#sent = undefined;
    sent?.();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.#isHeadSent) this.#sendHead(false);
    // What has no body may be given one all the same.
    if (this.#isBodiless || this.#stream.write(bytes)) done();
    else this.#taken = done;
  }

  override _final(done: () => void): void {
    this.#sent = done;
    const trailers = this.#isBodiless ? undefined : this.#trailers;
    if (!this.#isHeadSent) this.#sendHead(trailers === undefined);
    this.#stream.finish(trailers && headerBlock(trailers));
    if (this.#stream.over) this.sent();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A broken answer must not look like a whole one.
    this.#stream.reset(errorCodes.INTERNAL_ERROR);
    this.#taken = undefined;
    this.#sent = undefined;
    done(error);
  }

  get #isBodiless(): boolean {
    const { statusCode } = this;
    return this.#parts.method === "HEAD" || statusCode === 204 || statusCode === 304;
  }

  #sendHead(isAll: boolean): void {
    // By the same door as heads that somebody writes, for whoever watches it.
    if (!this.#isHeadWritten) this.writeHead(this.statusCode);
    this.#isHeadSent = true;
    const headers: Header[] = [{ name: ":status", value: String(this.statusCode) }];
    for (const [name, value] of this.#headers)
      if (!ofConnections.has(name))
        for (const one of typeof value === "object" ? value : [value])
          headers.push({ name, value: String(one).replace(blankEnds, "") });
    if (!this.#headers.has("date")) headers.push({ name: "date", value: this.#parts.date() });
    const block = headerBlock(headers);
    if (isAll || this.#isBodiless) this.#stream.respondOnly(block);
    else this.#stream.respond(block);
  }
}

const isFlat = (headers: object): headers is string[] => Array.isArray(headers);

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (chunk instanceof Uint8Array) return chunk.length;
  if (typeof chunk !== "string") return 0;
  return Buffer.byteLength(chunk, typeof encoding === "string" ? (encoding as BufferEncoding) : "utf8");
}
