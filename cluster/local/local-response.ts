import type { Socket } from "node:net";
import { Writable } from "node:stream";
import { deferred } from "../../base/deferred.ts";
import type { HeaderValue, HttpResponse } from "../../base/http2/http-response.ts";
import { type BodyLimits, cutOff, type HttpAnswer, tooLarge } from "../../client/http/request.ts";

/** What a reader leaves unread holds the server back from here on. */
const unreadBytesMost = 1024 * 1024;

/** The answer to a request from this process. The server writes it as it would to a connection; whoever asked reads what was
 *  written, without a copy between them. */
export class LocalResponse extends Writable implements HttpResponse {
  statusCode = 200;
  statusMessage = "";
  shouldKeepAlive = true;
  readonly socket: Socket;
  readonly #isHead: boolean;
  readonly #headers = new Map<string, number | string | string[]>();
  readonly #answer: Answer;
  readonly #begun = deferred<HttpAnswer>();
  #isHeadWritten = false;

  /** @param onBytes Is told whenever the server wrote something. */
  constructor(method: string, socket: Socket, onBytes: () => void) {
    super({ decodeStrings: true, highWaterMark: unreadBytesMost });
    this.socket = socket;
    this.#isHead = method === "HEAD";
    this.#answer = new Answer(this, onBytes);
    this.#begun.promise.catch(() => undefined); // heard through `answer`
    this.on("error", () => undefined); // its end is heard by `close`
    this.on("close", () => {
      if (this.writableFinished) return;
      const error = new Error("the server ended the answer early");
      this.#begun.reject(error);
      this.#answer.fail(error);
    });
  }

  /** Resolves when its head is there. Rejects where the server gave up before. */
  get answer(): Promise<HttpAnswer> {
    return this.#begun.promise;
  }

  get headersSent(): boolean {
    return this.#isHeadWritten;
  }

  setHeader(name: string, value: HeaderValue): this {
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

  writeHead(code: number, headers: Readonly<Record<string, number | string>> | string[] = {}): this {
    if (Array.isArray(headers))
      for (let at = 0; at + 1 < headers.length; at += 2)
        this.appendHeader(headers[at] as string, headers[at + 1] as string);
    else for (const [name, value] of Object.entries(headers)) this.setHeader(name, value);
    this.statusCode = code;
    this.#isHeadWritten = true;
    return this;
  }

  flushHeaders(): void {
    this.#begin();
  }

  /** Nobody here reads them. */
  addTrailers(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#begin();
    if (this.#isHead) done();
    else this.#answer.add(bytes, done);
  }

  override _final(done: () => void): void {
    this.#begin();
    this.#answer.end();
    done();
  }

  #begin(): void {
    if (!this.#isHeadWritten) this.writeHead(this.statusCode);
    this.#begun.resolve(this.#answer);
  }
}

class Answer implements HttpAnswer {
  readonly #response: LocalResponse;
  readonly #onBytes: () => void;
  #pieces: Buffer[] = [];
  #unreadBytes = 0;
  #error: Error | undefined;
  #hasEnded = false;
  #wake: (() => void) | undefined;
  /** The server's write goes on when there is room again. */
  #taken: (() => void) | undefined;

  constructor(response: LocalResponse, onBytes: () => void) {
    this.#response = response;
    this.#onBytes = onBytes;
  }

  get statusCode(): number {
    return this.#response.statusCode;
  }

  get retryAfter(): string | undefined {
    return this.#response.getHeader("retry-after")?.toString();
  }

  get warning(): string | undefined {
    return this.#response.getHeader("warning")?.toString();
  }

  add(bytes: Buffer, taken: () => void): void {
    this.#pieces.push(bytes);
    this.#unreadBytes += bytes.length;
    this.#onBytes();
    if (this.#unreadBytes < unreadBytesMost) taken();
    else this.#taken = taken;
    this.#wakeUp();
  }

  end(): void {
    this.#hasEnded = true;
    this.#onBytes();
    this.#wakeUp();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#onBytes();
    this.#wakeUp();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        const pieces = this.#pieces;
        this.#pieces = [];
        this.#unreadBytes = 0;
        const taken = this.#taken;
        this.#taken = undefined;
        taken?.();
        yield* pieces;
        if (this.#error !== undefined) throw this.#error;
        if (this.#pieces.length > 0) continue;
        if (this.#hasEnded) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.destroy();
    }
  }

  async text({ lengthBytesMost }: BodyLimits): Promise<string> {
    const pieces: Uint8Array[] = [];
    let lengthBytes = 0;
    try {
      for await (const piece of this) {
        lengthBytes += piece.length;
        if (lengthBytes > lengthBytesMost) throw tooLarge(lengthBytesMost);
        pieces.push(piece);
      }
    } catch (cause) {
      throw cause instanceof RangeError ? cause : cutOff(cause);
    }
    return Buffer.concat(pieces, lengthBytes).toString("utf8");
  }

  destroy(): void {
    if (!this.#response.writableFinished) this.#response.destroy();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
