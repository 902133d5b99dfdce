import { utf8 } from "../../base/wire.ts";

/** Keys and values are bytes; text stands for its UTF-8. */
export type Bytes = Uint8Array | string;

export const bytesOf = (value: Bytes): Uint8Array => (typeof value === "string" ? utf8(value) : value);

/** As `rangeEnd`: every key from the given one on. */
export const toTheEnd = Uint8Array.of(0);

/** The first key after all that start with `prefix`; `toTheEnd` when there is none. */
export function prefixEnd(prefix: Bytes): Uint8Array {
  const bytes = bytesOf(prefix);
  for (let at = bytes.length - 1; at >= 0; at--) {
    const byte = bytes[at] ?? 0xff;
    if (byte === 0xff) continue;
    const end = Uint8Array.from(bytes.subarray(0, at + 1)); // a Buffer's `slice` would share its memory
    end[at] = byte + 1;
    return end;
  }
  return toTheEnd;
}

/** The key right after `key`. */
export function nextKey(key: Bytes): Uint8Array {
  const bytes = bytesOf(key);
  const next = new Uint8Array(bytes.length + 1);
  next.set(bytes);
  return next;
}

/** False where half of a surrogate pair stands alone, which has no UTF-8: others would be written in its place. */
export const isWholeText = (text: string): boolean => isWellFormed.call(text);
/** (Node has it; TypeScript's library of the year that we compile for does not.) */
const { isWellFormed } = String.prototype as unknown as { isWellFormed(this: string): boolean };
