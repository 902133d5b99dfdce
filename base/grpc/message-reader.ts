import { gunzipSync, inflateSync } from "node:zlib";
import { BytePieces } from "../byte-pieces.ts";
import { StatusError } from "./status.ts";

/** Before each message: a byte that says whether it is compressed, and its length. */
export const prefixBytes = 5;

export const encodings = ["identity", "gzip", "deflate"] as const;
export type Encoding = (typeof encodings)[number];

/** The message that is all there is in `bytes[start, end)`. Undefined for anything else, which a reader knows to take or refuse. */
export function wholeMessage(
  bytes: Buffer,
  start: number,
  end: number,
  bytesMost: number,
): Uint8Array | undefined {
  const length = end - start - prefixBytes;
  if (length < 0 || length > bytesMost || bytes[start] !== 0) return undefined;
  return bytes.readUInt32BE(start + 1) === length ? bytes.subarray(start + prefixBytes, end) : undefined;
}

/** Cuts a body into messages. What waits to be read costs little more than its bytes, however it was cut into frames. */
export class MessageReader {
  readonly #bytesMost: number;
  readonly #encoding: Encoding;
  readonly #bytes = new BytePieces();

  constructor(options: { readonly bytesMost: number; readonly encoding: Encoding }) {
    this.#bytesMost = options.bytesMost;
    this.#encoding = options.encoding;
  }

  /** A message has begun that was not handed on. */
  get isInMessage(): boolean {
    return this.#bytes.length > 0;
  }

  /** More of the body; what of it is not read at once is to be kept. */
  push(bytes: Buffer): void {
    this.#bytes.add(bytes);
  }

  /** Nothing is read until more comes, or for a while. */
  keep(): void {
    this.#bytes.keep();
  }

  /** Nothing is read any more. */
  clear(): void {
    this.#bytes.clear();
  }

  /** The next message. Undefined: none is whole. Throws StatusError on one that is too large or malformed. */
  next(): Uint8Array | undefined {
    const bytes = this.#bytes;
    if (bytes.length < prefixBytes) return undefined;
    const length = bytes.peek(prefixBytes).readUInt32BE(1);
    if (length > this.#bytesMost)
      throw new StatusError(
        "RESOURCE_EXHAUSTED",
        `grpc: received message larger than max (${length} vs. ${this.#bytesMost})`,
      );
    if (bytes.length < prefixBytes + length) return undefined;
    const whole = bytes.take(prefixBytes + length);
    return this.#content(whole[0] as number, whole.subarray(prefixBytes));
  }

  #content(compressed: number, bytes: Buffer): Uint8Array {
    if (compressed === 0) return bytes;
    if (compressed !== 1)
      throw new StatusError("INTERNAL", `grpc: received unexpected payload format ${compressed}`);
    if (this.#encoding === "identity")
      throw new StatusError("INTERNAL", "grpc: compressed flag set with identity or empty encoding");
    const inflate = this.#encoding === "gzip" ? gunzipSync : inflateSync;
    try {
      return inflate(bytes, { maxOutputLength: this.#bytesMost });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE")
        throw new StatusError(
          "RESOURCE_EXHAUSTED",
          `grpc: received message after decompression larger than max ${this.#bytesMost}`,
        );
      throw new StatusError("INTERNAL", `grpc: failed to decompress the received message: ${error}`);
    }
  }
}
