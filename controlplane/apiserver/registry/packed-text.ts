import { deflateRawSync, inflateRawSync } from "node:zlib";

/** A text as bytes outside the heap; compressed against a text of the same sort where there is one. */
export interface PackedText {
  readonly bytes: Buffer;
  readonly dictionary: Buffer | undefined;
}

/** Deflate looks back no further. */
const dictionaryBytesMax = 32 * 1024;
/** Speed over size: the dictionary does most of the work. */
const level = 1;

export function packText(text: string, dictionary: Buffer | undefined): PackedText {
  if (dictionary !== undefined)
    return { bytes: own(deflateRawSync(text, { level, dictionary })), dictionary };
  // A buffer of its own: a slice of a shared one would keep all of that.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return { bytes, dictionary };
}

export function unpackText({ bytes, dictionary }: PackedText): string {
  const plain = dictionary === undefined ? bytes : inflateRawSync(bytes, { dictionary });
  return plain.toString("utf8");
}

export function dictionaryOf(text: string): Buffer {
  return own(Buffer.from(text).subarray(-dictionaryBytesMax));
}

function own(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
