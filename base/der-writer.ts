import { DerError, type DerValue, derChildren, derTags } from "./der.ts";

/** Writes values in ASN.1's DER, one call a value; what a constructed one holds is written before it. Pure. */
export function derValue(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, { length: one }) => sum + one, 0);
  const head = [tag, ...lengthBytes(length)];
  const whole = new Uint8Array(head.length + length);
  whole.set(head);
  let at = head.length;
  for (const content of contents) {
    whole.set(content, at);
    at += content.length;
  }
  return whole;
}

export const derSequence = (...items: readonly Uint8Array[]): Uint8Array =>
  derValue(derTags.sequence, ...items);

/** A set of one: the order of several would be for the bytes to say. */
export const derSetOf = (item: Uint8Array): Uint8Array => derValue(derTags.set, item);

/** Constructed, with a tag that the context explains. */
export const derContext = (number: number, ...items: readonly Uint8Array[]): Uint8Array =>
  derValue(0xa0 | number, ...items);

/** Not constructed: the tag stands in place of the value's own. */
export const derImplicit = (number: number, content: Uint8Array): Uint8Array =>
  derValue(0x80 | number, content);

export const derBoolean = (value: boolean): Uint8Array => derValue(0x01, Uint8Array.of(value ? 0xff : 0));

/** A number that is not negative, as bytes, the first of them the highest. */
export function derUnsigned(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const needed = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  const isHigh = ((needed[0] ?? 0) & 0x80) !== 0;
  return derValue(derTags.integer, ...(isHigh ? [Uint8Array.of(0)] : []), needed);
}

export const derOctets = (bytes: Uint8Array): Uint8Array => derValue(derTags.octetString, bytes);

export const derNull: Uint8Array = derValue(0x05);

/** @param unusedBits Of the last byte. */
export const derBits = (bytes: Uint8Array, unusedBits = 0): Uint8Array =>
  derValue(derTags.bitString, Uint8Array.of(unusedBits), bytes);

/** Bits by their numbers, the first of them 0: without zeros behind the last one that is set, as DER asks. */
export function derNamedBits(numbers: readonly number[]): Uint8Array {
  const last = Math.max(-1, ...numbers);
  const bytes = new Uint8Array((last >> 3) + 1);
  for (const number of numbers) bytes[number >> 3] = (bytes[number >> 3] ?? 0) | (0x80 >> (number & 7));
  return derBits(bytes, last < 0 ? 0 : 7 - (last & 7));
}

export const derText = (text: string): Uint8Array =>
  derValue(derTags.utf8String, Uint8Array.from(Buffer.from(text, "utf8")));

/** From `1.2.840.113549`. */
export function derOidOf(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 0x7f];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      digits.unshift(0x80 | (left & 0x7f));
    return digits;
  });
  return derValue(derTags.oid, Uint8Array.from(bytes));
}

/** A time in a certificate (RFC 5280): two digits of the year until 2049, four afterwards. Whole seconds. */
export function derTime(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/\.\d+Z$|[-:T]/g, "");
  const year = new Date(ms).getUTCFullYear();
  const [tag, text] = year >= 1950 && year < 2050 ? [0x17, digits.slice(2)] : [0x18, digits];
  return derValue(tag, Uint8Array.from(Buffer.from(`${text}Z`, "latin1")));
}

const nestingMax = 16;

/** What was read once, anew, with the shortest lengths: what others wrote in BER reads the same to everybody. Throws DerError
 *  where it nests too deeply. */
export function derAgain(value: DerValue, depth = 0): Uint8Array {
  if (depth > nestingMax) throw new DerError("values nested too deeply");
  const isConstructed = (value.tag & 0x20) !== 0;
  if (!isConstructed) return derValue(value.tag, value.content);
  return derValue(value.tag, ...derChildren(value).map((child) => derAgain(child, depth + 1)));
}

function lengthBytes(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) bytes.unshift(left % 256);
  return [0x80 | bytes.length, ...bytes];
}
