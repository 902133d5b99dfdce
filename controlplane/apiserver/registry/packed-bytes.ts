import { deflateRawSync, inflateRawSync } from "node:zlib";

/** Bytes compressed against others of the same sort. */
export interface PackedBytes {
  readonly bytes: Buffer;
  readonly dictionary: Buffer;
}

/** Deflate looks back no further. */
const dictionaryBytesMax = 32 * 1024;
/** Speed over size: the dictionary does most of the work. */
const level = 1;

export function packBytes(bytes: Buffer, dictionary: Buffer): PackedBytes {
  return { bytes: ownCopy(deflateRawSync(bytes, { level, dictionary })), dictionary };
}

export function unpackBytes({ bytes, dictionary }: PackedBytes): Buffer {
  return inflateRawSync(bytes, { dictionary });
}

export function dictionaryOf(bytes: Buffer): Buffer {
  return ownCopy(bytes.subarray(-dictionaryBytesMax));
}

/** A text as bytes in a buffer of their own: a slice of a shared one would keep all of that. */
export function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** The same of bytes. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}
