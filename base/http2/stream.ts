import type { Duplex } from "node:stream";
import type { AnswerLane, UnreadAnswers } from "./answer-lane.ts";
import { type ErrorCode, errorCodes } from "./frames.ts";
import type { Header } from "./header.ts";
import type { Block } from "./header-encoder.ts";
import { type OutgoingStream, takePiece } from "./outgoing-data.ts";

/** What whoever serves a request is told of its stream. */
export interface StreamEvents {
  /** In place of `data` and `end` for a body that is whole in one frame: it is `bytes[start, end)`, which may be kept. */
  whole?(bytes: Buffer, start: number, end: number): void;
  /** A piece of the body; it may be kept. The client may send as much again after `consumed`. */
  data(bytes: Buffer): void;
  /** The body is complete. */
  end(): void;
  /** `write` answered false and there is room again. */
  drained(): void;
  /** The answer's last frame is on its way. Called at most once, last. */
  sent?(): void;
  /** The stream is over without `finish`: the client gave it up or is gone. Called at most once, last. */
  gone(): void;
}

/** @param apart The value of the header that the server keeps apart, if the request has it. */
export type ServeStream = (stream: Http2Stream, apart?: string) => StreamEvents;
/** Who serves requests with these headers. Asked once for requests that say the same. */
export type Route = (headers: readonly Header[]) => ServeStream;

/** An answer of two header blocks, with one piece of data between them. All of it is copied. */
export interface WholeAnswer {
  readonly begin: Block;
  readonly prefix: Uint8Array;
  readonly body: Uint8Array;
  readonly end: Block;
}

/** What a stream needs of its connection. */
export interface StreamOwner {
  sendHeaders(stream: Http2Stream, block: Block, isLast: boolean): void;
  pump(stream: Http2Stream): void;
  sendReset(stream: Http2Stream, code: ErrorCode): void;
  allowMore(stream: Http2Stream, bytes: number): void;
  /** False: it does not fit what may leave now, and nothing was sent. */
  answer(stream: Http2Stream, answer: WholeAnswer): boolean;
  /** Sends one DATA frame of three parts, which are copied. False: it does not fit what may leave now, and nothing was sent. */
  writeNow(stream: Http2Stream, prefix: Uint8Array, head: Uint8Array, rest: Uint8Array): boolean;
  /** When the last bytes of its client came, by the monotonic clock. */
  readonly heardMs: number;
  /** The time, read once for all that leaves together. */
  readonly nowMs: number;
  /** Answers of this connection that its client has yet to take. */
  readonly unread: UnreadAnswers;
  /** Ends the connection of a client that leaves too much unread. */
  giveUp(): void;
  readonly socket: Duplex;
  /** Nothing is served after what was begun. */
  goAway(): void;
  slotTaken(): void;
  slotFreed(): void;
}

/** Bytes of a stream that wait for the client beyond which `write` answers false. */
const waitingBytesMost = 64 * 1024;

/** One request and its answer. Answers go in the order header block, data, and a last block (or an end without one). */
export class Http2Stream implements OutgoingStream {
  readonly id: number;
  readonly #owner: StreamOwner;
  sendWindow: number;
  /** Bytes that we still allow the client. */
  receiveWindow: number;
  /** Consumed, but not yet told to the client. */
  unannounced = 0;
  /** The client sends no more. */
  remoteEnded = false;
  /** What of the request's body is to come, where the client said how long that is. */
  bodyBytesLeft: number | undefined;
  /** A frame of its body has come. */
  hasContent = false;
  /** Nothing more happens on it, whoever ended it. */
  over = false;
  events: StreamEvents | undefined;
  #waiting: Uint8Array[] | undefined;
  #waitingBytes = 0;
  #lane: AnswerLane | undefined;
  #wasFull = false;
  #last: "none" | "end" | Block = "none";

  constructor(id: number, owner: StreamOwner, windows: { readonly send: number; readonly receive: number }) {
    this.id = id;
    this.#owner = owner;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
  }

  /** False: the client takes less than it is sent. */
  get hasRoom(): boolean {
    return this.#waitingBytes < waitingBytesMost;
  }

  get socket(): Duplex {
    return this.#owner.socket;
  }

  /** No stream is served after this one and those before it. */
  endConnection(): void {
    this.#owner.goAway();
  }

  get unread(): UnreadAnswers {
    return this.#owner.unread;
  }

  /** What is written from now on counts there until the client has taken it. False: too much did already, and the connection is
   *  ended. To be called once at most. */
  countIn(lane: AnswerLane): boolean {
    if (lane === this.unread.other && lane.isFull) {
      this.#owner.giveUp();
      return false;
    }
    this.#lane = lane;
    return true;
  }

  /** When the last bytes of the client came, by the monotonic clock. */
  get heardMs(): number {
    return this.#owner.heardMs;
  }

  /** The time, read once for all that leaves together. */
  get nowMs(): number {
    return this.#owner.nowMs;
  }

  /** The whole answer at once. False: it does not fit what the client takes now, and nothing was sent. */
  answer(answer: WholeAnswer): boolean {
    return this.over || this.#owner.answer(this, answer);
  }

  respond(block: Block): void {
    if (!this.over) this.#owner.sendHeaders(this, block, false);
  }

  /** The whole answer is one header block. */
  respondOnly(block: Block): void {
    if (!this.over) this.#owner.sendHeaders(this, block, true);
  }

  /** Data of three parts, which are copied. False: it does not fit what the client takes now, or one frame, and nothing was
   *  sent. */
  writeNow(prefix: Uint8Array, head: Uint8Array, rest: Uint8Array): boolean {
    return this.over || (!this.isWaiting && this.#owner.writeNow(this, prefix, head, rest));
  }

  /** The bytes are sent as they are and must not change. False: better wait for `drained`. */
  write(bytes: Uint8Array): boolean {
    if (this.over || bytes.length === 0) return true;
    this.#waiting ??= [];
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#lane?.hold(bytes.length);
    this.#owner.pump(this);
    this.#wasFull ||= !this.hasRoom;
    return this.hasRoom;
  }

  /** Ends the answer in good order, with a block of trailers if there is one. */
  finish(trailers?: Block): void {
    if (this.over) return;
    this.#last = trailers ?? "end";
    this.#owner.pump(this);
  }

  reset(code: ErrorCode): void {
    if (!this.over) this.#owner.sendReset(this, code);
  }

  /** So many bytes of `data` are dealt with: the client may send as many again. */
  consumed(bytes: number): void {
    if (!this.over && !this.remoteEnded) this.#owner.allowMore(this, bytes);
  }

  /** A DATA frame came. Gives the code of the error where the client may not send it. */
  countData(frameBytes: number, bodyBytes: number, isEnd: boolean): ErrorCode | undefined {
    if (this.remoteEnded) return errorCodes.STREAM_CLOSED;
    this.receiveWindow -= frameBytes;
    if (this.receiveWindow < 0) return errorCodes.FLOW_CONTROL_ERROR;
    this.remoteEnded = isEnd;
    return this.countBody(bodyBytes) ? undefined : errorCodes.PROTOCOL_ERROR;
  }

  /** So much of the body came. False: the request said that there is less, or ends with less. */
  countBody(bytes: number): boolean {
    if (this.bodyBytesLeft === undefined) return true;
    this.bodyBytesLeft -= bytes;
    return this.remoteEnded ? this.bodyBytesLeft === 0 : this.bodyBytesLeft >= 0;
  }

  /** Counts as a stream of its connection until `freeSlot`, even when the client gives the stream up before: so a
   *  client cannot have more work under way than streams are allowed. */
  takeSlot(): void {
    this.#owner.slotTaken();
  }

  /** To be called once for each `takeSlot`. */
  freeSlot(): void {
    this.#owner.slotFreed();
  }

  take(bytesMost: number): Uint8Array | undefined {
    const piece = this.#waiting && takePiece(this.#waiting, bytesMost);
    if (piece === undefined) return undefined;
    this.#waitingBytes -= piece.length;
    this.#lane?.release(piece.length);
    return piece;
  }

  get isWaiting(): boolean {
    return this.#waiting !== undefined && this.#waiting.length > 0;
  }

  get last(): "none" | "end" | Block {
    return this.#last;
  }

  tellDrained(): void {
    if (!this.#wasFull || !this.hasRoom || this.over) return;
    this.#wasFull = false;
    this.events?.drained();
  }

  /** To be called once nothing more can happen on it. */
  ended(): void {
    this.over = true;
    this.#waiting = undefined;
    this.#lane?.release(this.#waitingBytes);
    this.#waitingBytes = 0;
  }
}
