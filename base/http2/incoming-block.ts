import { calmDown, frameBytesMost } from "./frames.ts";

/** A client may cut a block where it likes, but not for ever. */
const sparePieces = 8;

/** A header block whose frames come one after the other.
 *  Invariant: it holds twice what headers may be at most, in a few more pieces than that needs. */
export class IncomingBlock {
  readonly streamId: number;
  /** The request has no body. */
  readonly isEnd: boolean;
  readonly #bytesMost: number;
  readonly #pieces: Buffer[];
  #bytes: number;

  constructor(
    first: { readonly streamId: number; readonly isEnd: boolean; readonly bytes: Buffer },
    options: { readonly listBytesMost: number },
  ) {
    this.streamId = first.streamId;
    this.isEnd = first.isEnd;
    this.#pieces = [first.bytes];
    this.#bytes = first.bytes.length;
    // What is too long by less is read to its end and answered.
    this.#bytesMost = 2 * options.listBytesMost;
  }

  /** Throws ConnectionError for more than anybody needs. */
  add(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    const piecesMost = sparePieces + Math.ceil(this.#bytesMost / frameBytesMost);
    if (this.#bytes > this.#bytesMost || this.#pieces.length > piecesMost)
      calmDown("a header block that is too long");
  }

  whole(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
