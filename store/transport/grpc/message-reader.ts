import { gunzipSync, inflateSync } from "node:zlib";
import { StatusError } from "../../rpc/status.ts";

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

/** Cuts a request's body into messages. Throws StatusError on what is too large or malformed. */
export class MessageReader {
  readonly #bytesMost: number;
  readonly #encoding: Encoding;
  #pieces: Buffer[] = [];
  #have = 0;
  #need = prefixBytes;

  constructor(options: { readonly bytesMost: number; readonly encoding: Encoding }) {
    this.#bytesMost = options.bytesMost;
    this.#encoding = options.encoding;
  }

  /** A message has begun and is not whole. */
  get isInMessage(): boolean {
    return this.#have > 0;
  }

  push(bytes: Buffer): Uint8Array[] {
    this.#pieces.push(bytes);
    this.#have += bytes.length;
    const messages: Uint8Array[] = [];
    while (this.#have >= prefixBytes) {
      const all = this.#joinedIf(this.#need);
      if (all === undefined) break;
      const length = all.readUInt32BE(1);
      if (length > this.#bytesMost)
        throw new StatusError(
          "RESOURCE_EXHAUSTED",
          `grpc: received message larger than max (${length} vs. ${this.#bytesMost})`,
        );
      this.#need = prefixBytes + length;
      if (this.#have < this.#need) break;
      messages.push(this.#content(all[0] as number, all.subarray(prefixBytes, this.#need)));
      const rest = all.subarray(this.#need);
      this.#pieces = rest.length === 0 ? [] : [rest];
      this.#have = rest.length;
      this.#need = prefixBytes;
    }
    return messages;
  }

  /** One buffer of everything, once there is as much as is needed. */
  #joinedIf(needed: number): Buffer | undefined {
    if (this.#have < needed) return undefined;
    const all = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
    this.#pieces = [all];
    return all;
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
