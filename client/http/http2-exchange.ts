import { BytePieces } from "../../base/byte-pieces.ts";
import type { ClientChannel, Waiting } from "../../base/http2/client-channel.ts";
import type { ClientConnection } from "../../base/http2/client-connection.ts";
import type { AnswerEvents, ClientStream, StreamLoss } from "../../base/http2/client-stream.ts";
import { errorCodes } from "../../base/http2/frames.ts";
import type { Header } from "../../base/http2/header.ts";
import { headerValue } from "../../base/http2/request-headers.ts";
import { ownClearTimeout, ownSetTimeout } from "../../base/os/own-timers.ts";
import { ConnectionError } from "../api-error.ts";
import {
  type BodyLimits,
  cutOff,
  type HttpAnswer,
  type HttpRequest,
  TimeoutError,
  tooLarge,
} from "./request.ts";

export interface ExchangeParts {
  readonly request: HttpRequest;
  /** The block of the request's headers. */
  readonly head: Buffer;
  /** The server's name, for people. */
  readonly host: string;
  readonly channel: ClientChannel<Error>;
  /** The connection is not needed any more. */
  readonly onOver: () => void;
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** A request and its answer on a stream. `resolve` or `reject` is called once; the answer's body goes on after that. */
export class Http2Exchange implements Waiting<Error>, AnswerEvents, HttpAnswer {
  readonly #parts: ExchangeParts;
  #stream: ClientStream | undefined;
  #timer: NodeJS.Timeout;
  #headers: readonly Header[] | undefined;
  readonly #pieces = new BytePieces();
  /** All that waits is to be taken as it comes: bytes at most, else undefined. */
  #takesMost: number | undefined;
  #takenBytes = 0;
  #isOver = false;
  #isWhole = false;
  #failure: unknown;
  #wake: () => void = () => undefined;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    const { request, channel } = parts;
    this.#timer = ownSetTimeout(() => this.#fail(new TimeoutError("timed out")), request.timeoutMs);
    request.signal?.addEventListener("abort", this.#onAbort, { once: true });
    channel.enter(this);
  }

  connected(connection: ClientConnection): void {
    const { head, request } = this.#parts;
    this.#stream = connection.request(head, this);
    const { body } = request;
    if (body === undefined) this.#stream.finish();
    else this.#stream.finish(typeof body === "string" ? Buffer.from(body) : body);
  }

  failed(error: Error): void {
    this.#fail(error);
  }

  headers(headers: readonly Header[]): void {
    if (this.#headers !== undefined || headerValue(headers, ":status")?.startsWith("1")) return;
    this.#headers = headers;
    ownClearTimeout(this.#timer);
    this.#parts.resolve(this);
  }

  data(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#pieces.add(bytes);
    this.#pieces.keep();
    if (this.#takesMost !== undefined) this.#take(bytes.length);
    this.#wake();
  }

  end(): void {
    if (this.#headers === undefined) {
      this.#fail(new Error("the server ended its answer before it began"));
      return;
    }
    this.#isWhole = true;
    this.#over();
  }

  gone({ maybeServed, reason }: StreamLoss): void {
    this.#fail(new Error(reason), !maybeServed);
  }

  get statusCode(): number {
    return Number(headerValue(this.#headers ?? [], ":status"));
  }

  get retryAfter(): string | undefined {
    return headerValue(this.#headers ?? [], "retry-after");
  }

  get warning(): string | undefined {
    const found = (this.#headers ?? []).filter(({ name }) => name === "warning");
    return found.length === 0 ? undefined : found.map(({ value }) => value).join(", ");
  }

  async text(limits: BodyLimits): Promise<string> {
    if (!this.#isOver)
      this.#timer = ownSetTimeout(
        () => this.#fail(new Error("timed out inside the answer")),
        limits.timeoutMs,
      );
    this.#takesMost = limits.lengthBytesMost;
    this.#take(this.#pieces.length);
    while (!this.#isOver) await this.#next();
    if (this.#isWhole) return this.#pieces.take(this.#pieces.length).toString();
    if (this.#failure instanceof RangeError) throw this.#failure;
    throw cutOff(this.#failure);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, void> {
    for (;;) {
      const piece = this.#pieces.next();
      if (piece !== undefined) {
        this.#stream?.consumed(piece.length);
        yield piece;
      } else if (this.#isWhole) return;
      else if (this.#isOver) throw this.#failure;
      else await this.#next();
    }
  }

  destroy(): void {
    if (!this.#isOver) this.#fail(new Error("nobody reads on"));
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #take(bytes: number): void {
    this.#takenBytes += bytes;
    const most = this.#takesMost ?? 0;
    if (this.#takenBytes > most) this.#fail(tooLarge(most));
    else this.#stream?.consumed(bytes);
  }

  readonly #onAbort = (): void => this.#fail(this.#parts.request.signal?.reason);

  #fail(cause: unknown, neverSent = (this.#stream?.id ?? 0) === 0): void {
    if (this.#isOver) return;
    const { request, host, channel, reject } = this.#parts;
    channel.leave(this);
    this.#stream?.cancel(errorCodes.CANCEL);
    this.#failure = cause;
    this.#pieces.clear();
    this.#over();
    if (this.#headers !== undefined) return;
    if (request.signal?.aborted) reject(cause);
    else {
      const what = `${request.method} ${request.path}: no answer from ${host}`;
      reject(new ConnectionError(what, { neverSent, cause }));
    }
  }

  #over(): void {
    this.#isOver = true;
    ownClearTimeout(this.#timer);
    this.#parts.request.signal?.removeEventListener("abort", this.#onAbort);
    this.#parts.onOver();
    this.#wake();
  }
}
