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
import type { InitialWindows } from "./peer-settings.ts";

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

/** What a connection's streams have to send, as far as the peer's windows and the socket allow. What a frame of the peer costs
 *  here is in proportion to what it lets go, but for a changed initial window, which costs a look at each stream. */
export class OutgoingData<S extends OutgoingStream> {
  readonly #output: FrameOutput;
  readonly #does: OutgoingEnds<S>;
  /** They wait for the window of all streams, or for the socket. */
  readonly #waiting = new Set<S>();
  /** Goes through those that wait, again and again. */
  #turn: Iterator<S> = this.#waiting.values();
  /** They wait for their own windows. Nothing but those has them looked at. */
  readonly #shut = new Set<S>();
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

  /** The peer takes `last` of each stream to begin with, and so much more or less of those that are open; for a moment it took
   *  `most`. */
  setInitialWindow({ last, most }: InitialWindows, open: Iterable<S>): void {
    const before = this.#initialWindow;
    this.#initialWindow = last;
    if (most <= before && last === before) return;
    for (const stream of open) {
      if (stream.sendWindow + most - before > windowMost) flowError("a window that is too large");
      stream.sendWindow += last - before;
      if (stream.sendWindow > 0 && this.#shut.delete(stream)) this.#waiting.add(stream);
    }
    this.sendBlocked();
  }

  /** The peer takes so much more of one stream. False: that is more than may be. */
  widenStream(stream: S, bytes: number): boolean {
    stream.sendWindow += bytes;
    if (stream.sendWindow > windowMost) return false;
    if (stream.sendWindow > 0 && this.#shut.delete(stream)) {
      this.pump(stream);
      stream.tellDrained();
    }
    return true;
  }

  forget(stream: S): void {
    this.#waiting.delete(stream);
    this.#shut.delete(stream);
  }

  clear(): void {
    this.#waiting.clear();
    this.#shut.clear();
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
      if (!this.#mayLeave(stream)) return;
      if (this.#sendPiece(stream)) return;
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
    while (this.#window > 0 && this.#output.hasRoom) {
      const stream = this.#nextWaiting();
      if (stream === undefined) return;
      this.#waiting.delete(stream);
      if (stream.sendWindow > 0 && this.#sendPiece(stream)) continue;
      if (stream.isWaiting) (stream.sendWindow > 0 ? this.#waiting : this.#shut).add(stream);
      else this.pump(stream);
      stream.tellDrained();
    }
  }

  #nextWaiting(): S | undefined {
    if (this.#waiting.size === 0) return undefined;
    const next = this.#turn.next();
    if (next.done !== true) return next.value;
    this.#turn = this.#waiting.values();
    return this.#turn.next().value;
  }

  /** Whether a piece of it may leave now; else it waits. */
  #mayLeave(stream: S): boolean {
    if (stream.sendWindow <= 0) {
      this.#waiting.delete(stream);
      this.#shut.add(stream);
      return false;
    }
    if (this.#window > 0 && this.#output.hasRoom) return true;
    this.#waiting.add(stream);
    return false;
  }

  /** True: it was the last of the stream. */
  #sendPiece(stream: S): boolean {
    const bytesMost = Math.min(this.#window, stream.sendWindow, frameBytesMost);
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
