/** Values in ASN.1's DER. Reads one level at a time; throws DerError where bytes are no such thing. Pure. */
export class DerError extends Error {
  override readonly name = "DerError";
}

export interface DerValue {
  /** The whole first byte: class, form and number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly whole: Uint8Array;
}

export const derTags = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The one value that the bytes are. */
export function readDer(bytes: Uint8Array): DerValue {
  const value = valueAt(bytes, 0);
  if (value.whole.length !== bytes.length) throw new DerError("trailing data");
  return value;
}

/** The values that a sequence, a set or another constructed value holds. */
export function derChildren({ content }: DerValue): readonly DerValue[] {
  const children: DerValue[] = [];
  for (let at = 0; at < content.length; ) {
    const child = valueAt(content, at);
    children.push(child);
    at += child.whole.length;
  }
  return children;
}

/** `1.2.840.113549` */
export function derOid({ tag, content }: DerValue): string {
  if (tag !== derTags.oid || content.length === 0) throw new DerError("not an object identifier");
  const parts: number[] = [];
  let part = 0;
  for (const byte of content) {
    part = part * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(part)) throw new DerError("an object identifier that is too large");
    if (byte & 0x80) continue;
    if (parts.length > 0) parts.push(part);
    else {
      const first = Math.min(Math.floor(part / 40), 2);
      parts.push(first, part - first * 40);
    }
    part = 0;
  }
  return parts.join(".");
}

function valueAt(bytes: Uint8Array, at: number): DerValue {
  const [tag, first] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || first === undefined) throw new DerError("data truncated");
  if ((tag & 0x1f) === 0x1f) throw new DerError("a tag of several bytes");
  let start = at + 2;
  let length = first;
  if (first & 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) throw new DerError("a length that is no length");
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[start + index] ?? 0);
    start += count;
  }
  const stop = start + length;
  if (stop > bytes.length) throw new DerError("data truncated");
  return { tag, content: bytes.subarray(start, stop), whole: bytes.subarray(at, stop) };
}
