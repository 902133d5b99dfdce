import {
  defaultWindowBytes,
  flowError,
  frameBytesMost,
  frameFlags,
  frameTypes,
  windowMost,
} from "./frames.ts";
import type { FrameOutput } from "./output.ts";
import type { Http2Stream } from "./stream.ts";

const nothing = Buffer.alloc(0);

/** What a connection's streams have to send, as far as the client's windows and the socket allow. */
export class OutgoingData {
  readonly #output: FrameOutput;
  readonly #does: { answered(stream: Http2Stream): void; trailers(stream: Http2Stream, block: Buffer): void };
  /** They wait for windows, or for the socket. */
  readonly #blocked = new Set<Http2Stream>();
  #window = defaultWindowBytes;

  constructor(
    output: FrameOutput,
    does: { answered(stream: Http2Stream): void; trailers(stream: Http2Stream, block: Buffer): void },
  ) {
    this.#output = output;
    this.#does = does;
  }

  /** The client takes so much more, of all streams together. */
  widen(bytes: number): void {
    this.#window += bytes;
    if (this.#window > windowMost) flowError("a window that is too large");
    this.sendBlocked();
  }

  isBlocked(stream: Http2Stream): boolean {
    return this.#blocked.has(stream);
  }

  forget(stream: Http2Stream): void {
    this.#blocked.delete(stream);
  }

  clear(): void {
    this.#blocked.clear();
  }

  /** Sends what waits of one stream. */
  pump(stream: Http2Stream): void {
    while (stream.isWaiting) {
      const most = Math.min(this.#window, stream.sendWindow, frameBytesMost);
      if (most <= 0 || !this.#output.hasRoom) {
        this.#blocked.add(stream);
        return;
      }
      this.#sendPiece(stream, most);
      if (stream.over) return;
    }
    const { last } = stream;
    if (last === "none") return;
    if (last === "end") {
      this.#output.frame(frameTypes.DATA, frameFlags.END_STREAM, stream.id, nothing);
      this.#does.answered(stream);
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
        this.#sendPiece(stream, most);
        if (stream.over) continue;
        if (stream.isWaiting) this.#blocked.add(stream);
        else this.pump(stream);
        stream.tellDrained();
      }
    }
  }

  #sendPiece(stream: Http2Stream, bytesMost: number): void {
    const piece = stream.take(bytesMost);
    if (piece === undefined) return;
    this.#window -= piece.length;
    stream.sendWindow -= piece.length;
    const isLast = stream.last === "end" && !stream.isWaiting;
    this.#output.frame(frameTypes.DATA, isLast ? frameFlags.END_STREAM : 0, stream.id, piece);
    if (isLast) this.#does.answered(stream);
  }
}
