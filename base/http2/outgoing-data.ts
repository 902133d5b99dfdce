import {
  defaultWindowBytes,
  flowError,
  frameBytesMost,
  frameFlags,
  frameTypes,
  windowMost,
} from "./frames.ts";
import type { Block } from "./header-encoder.ts";
import type { FrameOutput } from "./output.ts";

const nothing = Buffer.alloc(0);

/** What is sent of a stream. */
export interface OutgoingStream {
  readonly id: number;
  /** Bytes that the peer allows. */
  sendWindow: number;
  readonly isWaiting: boolean;
  /** What ends it once all data is sent. */
  readonly last: "none" | "end" | Block;
  /** The next piece to send, at most so long; undefined when nothing waits. */
  take(bytesMost: number): Uint8Array | undefined;
  /** To be called after pieces were sent later than they were written. */
  tellDrained(): void;
}

export interface OutgoingEnds<S> {
  /** The last frame of its data is on its way. */
  ended(stream: S): void;
  /** All data is: this block ends it. */
  trailers(stream: S, block: Block): void;
}

/** What a connection's streams have to send, as far as the peer's windows and the socket allow. */
export class OutgoingData<S extends OutgoingStream> {
  readonly #output: FrameOutput;
  readonly #does: OutgoingEnds<S>;
  /** They wait for windows, or for the socket. */
  readonly #blocked = new Set<S>();
  #window = defaultWindowBytes;
  #initialWindow = defaultWindowBytes;

  constructor(output: FrameOutput, does: OutgoingEnds<S>) {
    this.#output = output;
    this.#does = does;
  }

  /** The peer takes so much more, of all streams together. */
  widen(bytes: number): void {
    this.#window += bytes;
    if (this.#window > windowMost) flowError("a window that is too large");
    this.sendBlocked();
  }

  /** What the peer takes of a stream that begins now. */
  get initialWindowBytes(): number {
    return this.#initialWindow;
  }

  /** The peer takes that of each stream to begin with, and so much more or less of those that are open. */
  setInitialWindow(bytes: number, open: Iterable<S>): void {
    const change = bytes - this.#initialWindow;
    this.#initialWindow = bytes;
    for (const stream of open) {
      stream.sendWindow += change;
      if (stream.sendWindow > windowMost) flowError("a window that is too large");
    }
    this.sendBlocked();
  }

  /** The peer takes so much more of one stream. False: that is more than may be. */
  widenStream(stream: S, bytes: number): boolean {
    stream.sendWindow += bytes;
    if (stream.sendWindow > windowMost) return false;
    // Of the others, none waits for this: a client that widens many streams by little must not have all looked at each time.
    if (this.#blocked.delete(stream)) {
      this.pump(stream);
      stream.tellDrained();
    }
    return true;
  }

  forget(stream: S): void {
    this.#blocked.delete(stream);
  }

  clear(): void {
    this.#blocked.clear();
  }

  /** Takes so much of the windows, for a stream of which nothing waits. False: not all of it may leave now; nothing was taken. */
  claim(stream: S, bytes: number): boolean {
    if (bytes > this.#window || bytes > stream.sendWindow || !this.#output.hasRoom) return false;
    this.#window -= bytes;
    stream.sendWindow -= bytes;
    return true;
  }

  /** Sends what waits of one stream. */
  pump(stream: S): void {
    while (stream.isWaiting) {
      const most = Math.min(this.#window, stream.sendWindow, frameBytesMost);
      if (most <= 0 || !this.#output.hasRoom) {
        this.#blocked.add(stream);
        return;
      }
      if (this.#sendPiece(stream, most)) return;
    }
    const { last } = stream;
    if (last === "none") return;
    if (last === "end") {
      this.#output.frame(frameTypes.DATA, frameFlags.END_STREAM, stream.id, nothing);
      this.#does.ended(stream);
    } else this.#does.trailers(stream, last);
  }

  /** A frame of each in turn, so that no stream waits for another's whole answer. */
  sendBlocked(): void {
    let isMoving = this.#blocked.size > 0;
    while (isMoving && this.#output.hasRoom && this.#window > 0) {
      isMoving = false;
      for (const stream of [...this.#blocked]) {
        const most = Math.min(this.#window, stream.sendWindow, frameBytesMost);
        if (most <= 0 || !this.#output.hasRoom) continue;
        isMoving = true;
        this.#blocked.delete(stream);
        if (this.#sendPiece(stream, most)) continue;
        if (stream.isWaiting) this.#blocked.add(stream);
        else this.pump(stream);
        stream.tellDrained();
      }
    }
  }

  /** True: it was the last of the stream. */
  #sendPiece(stream: S, bytesMost: number): boolean {
    const piece = stream.take(bytesMost);
    if (piece === undefined) return false;
    this.#window -= piece.length;
    stream.sendWindow -= piece.length;
    const isLast = stream.last === "end" && !stream.isWaiting;
    this.#output.frame(frameTypes.DATA, isLast ? frameFlags.END_STREAM : 0, stream.id, piece);
    if (isLast) this.#does.ended(stream);
    return isLast;
  }
}

/** Takes the first of the pieces that wait, or so many bytes of it. */
export function takePiece(waiting: Uint8Array[], bytesMost: number): Uint8Array | undefined {
  const first = waiting[0];
  if (first === undefined) return undefined;
  if (first.length <= bytesMost) {
    waiting.shift();
    return first;
  }
  waiting[0] = first.subarray(bytesMost);
  return first.subarray(0, bytesMost);
}
