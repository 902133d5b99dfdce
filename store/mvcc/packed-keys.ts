import { varintBytes } from "../../base/varint.ts";
import { type KeyValueParts, keyValueBytes, writeRangeKv } from "./key-value.ts";

const firstPieceBytes = 1024;
const pieceBytesMax = 128 * 1024;

/** KeyValues without their values, as the repeated field of a RangeResponse has them, in pieces: of a million keys nothing stays
 *  for each. */
export class PackedKeys {
  readonly #pieces: Uint8Array[] = [];
  #piece = Buffer.allocUnsafe(firstPieceBytes);
  #at = 0;
  /** How many were added. */
  count = 0;

  /** Answers the bytes that it took. */
  add(kv: KeyValueParts): number {
    const bytes = keyValueBytes(kv);
    const fieldBytes = 1 + varintBytes(bytes) + bytes;
    if (this.#at + fieldBytes > this.#piece.length) this.#begin(fieldBytes);
    this.#at = writeRangeKv(this.#piece, this.#at, kv, bytes);
    this.count++;
    return fieldBytes;
  }

  /** All that were added. */
  get pieces(): readonly Uint8Array[] {
    return this.#at === 0 ? this.#pieces : [...this.#pieces, this.#piece.subarray(0, this.#at)];
  }

  #begin(bytes: number): void {
    if (this.#at > 0) this.#pieces.push(this.#piece.subarray(0, this.#at));
    this.#piece = Buffer.allocUnsafe(Math.max(bytes, Math.min(2 * this.#piece.length, pieceBytesMax)));
    this.#at = 0;
  }
}
