import type { AnswerBlock } from "./answer-headers.ts";
import type { ErrorCode } from "./frames.ts";
import type { Header } from "./header.ts";
import { type OutgoingStream, takePiece } from "./outgoing-data.ts";

/** Answers that never have content (RFC 9110, section 6.4.1); those to HEAD, which nobody asks here, are the others. */
const withoutContent: ReadonlySet<number> = new Set([204, 304]);

/** How a request ended that was not answered to its end. */
export interface StreamLoss {
  /** False: the server certainly did nothing for it. */
  readonly maybeServed: boolean;
  /** With which code the server ended it; undefined when its connection is gone. */
  readonly code: number | undefined;
  readonly reason: string;
}

/** What whoever asks is told of the answer. Each block of headers may be the last of it. */
export interface AnswerEvents {
  headers(headers: readonly Header[]): void;
  /** A piece of the body. It may be kept, with the bytes it came among. The server may send as much again after `consumed`. */
  data(bytes: Buffer): void;
  /** The answer is complete. Called once, last, unless `gone` is. */
  end(): void;
  /** The answer will never be complete. Called once, last, unless `end` is. */
  gone(loss: StreamLoss): void;
}

/** What a request needs of its connection. */
export interface RequestOwner {
  pump(stream: ClientStream): void;
  allowMore(stream: ClientStream, bytes: number): void;
  cancel(stream: ClientStream, code: ErrorCode): void;
}

/** One request and its answer, as the client sees them. The body may be written before the request has begun. */
export class ClientStream implements OutgoingStream {
  readonly #owner: RequestOwner;
  readonly head: Buffer;
  readonly events: AnswerEvents;
  /** 0 until the request is sent. */
  id = 0;
  sendWindow = 0;
  /** Bytes that the server may still send. */
  receiveWindow: number;
  /** Bytes that came and that the server was not yet told to be dealt with. */
  unannounced = 0;
  /** The server sends no more. */
  isEnding = false;
  /** The request is sent to its end. */
  isSent = false;
  over = false;
  /** The answer's head came, and not only that there will be one. */
  #hasHead = false;
  /** What of the answer's body is to come, where the server said how long that is. */
  #bodyBytesLeft: number | undefined;
  readonly #waiting: Uint8Array[] = [];
  #last: "none" | "end" = "none";

  constructor(owner: RequestOwner, head: Buffer, events: AnswerEvents, receiveWindowBytes: number) {
    this.#owner = owner;
    this.receiveWindow = receiveWindowBytes;
    this.head = head;
    this.events = events;
  }

  /** The bytes are sent as they are and must not change. */
  write(bytes: Uint8Array): void {
    if (this.over || this.#last === "end") return;
    this.#waiting.push(bytes);
    this.#owner.pump(this);
  }

  /** The request's body ends here, with these bytes if any are given. */
  finish(bytes?: Uint8Array): void {
    if (this.over || this.#last === "end") return;
    if (bytes !== undefined) this.#waiting.push(bytes);
    this.#last = "end";
    this.#owner.pump(this);
  }

  /** So many bytes of `data` are dealt with. */
  consumed(bytes: number): void {
    if (bytes > 0 && !this.over && !this.isEnding) this.#owner.allowMore(this, bytes);
  }

  /** A block of headers came. False: the answer may not have it here (RFC 9113, section 8.1). */
  takesBlock({ status, bodyBytes, areTrailers }: AnswerBlock): boolean {
    if (this.#hasHead) return areTrailers && this.isEnding && this.#isBodyWhole;
    if (status === undefined) return false;
    if (status < 200) return !this.isEnding;
    this.#hasHead = true;
    // What has no content may say how long it would be.
    this.#bodyBytesLeft = withoutContent.has(status) ? 0 : bodyBytes;
    return !this.isEnding || this.#isBodyWhole;
  }

  /** A piece of the body came. False: the answer may not have it here, or is not as long as the server said. */
  takesBody(bytes: number): boolean {
    if (!this.#hasHead) return false;
    if (this.#bodyBytesLeft !== undefined) this.#bodyBytesLeft -= bytes;
    return this.isEnding ? this.#isBodyWhole : (this.#bodyBytesLeft ?? 0) >= 0;
  }

  get #isBodyWhole(): boolean {
    return (this.#bodyBytesLeft ?? 0) === 0;
  }

  /** Nobody waits for the answer any more; no event comes after this. */
  cancel(code: ErrorCode): void {
    if (!this.over) this.#owner.cancel(this, code);
  }

  get isWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get last(): "none" | "end" {
    return this.#last;
  }

  take(bytesMost: number): Uint8Array | undefined {
    return takePiece(this.#waiting, bytesMost);
  }

  tellDrained(): void {}

  /** To be called once nothing more can happen on it. */
  ended(): void {
    this.over = true;
    this.#waiting.length = 0;
  }
}
