import type { Header } from "./header.ts";
import { staticTable } from "./static-table.ts";

const indexByName = new Map<string, number>();
const indexByHeader = new Map<string, number>();
for (const [at, { name, value }] of staticTable.entries()) {
  if (!indexByName.has(name)) indexByName.set(name, at + 1);
  if (value !== "") indexByHeader.set(`${name}\n${value}`, at + 1);
}

/** The most an integer takes. */
const integerBytesMost = 6;

/** Headers as a block that touches no table, so that it may be made once and sent on any connection: what the static table has is
 *  its index, everything else is as it is. */
export function headerBlock(headers: readonly Header[]): Buffer {
  let bytesMost = 0;
  for (const header of headers) bytesMost += literalBytesMost(header);
  const into = Buffer.allocUnsafe(bytesMost);
  let at = 0;
  for (const header of headers) {
    // Only what answers say often is looked for as a whole.
    const whole = header.name === ":status" ? staticIndex(header) : undefined;
    at = whole === undefined ? putLiteral(into, at, header, "passing") : integer(into, at, whole, 7, 0x80);
  }
  return into.subarray(0, at);
}

/** The place of a header in the static table, if all of it is there. */
export function staticIndex({ name, value }: Header): number | undefined {
  return indexByHeader.get(`${name}\n${value}`);
}

/** A header that a table has. */
export function indexed(index: number): Buffer {
  const into = Buffer.alloc(integerBytesMost);
  return into.subarray(0, integer(into, 0, index, 7, 0x80));
}

/** A header in full. Who reads a kept one has it in its table from then on. */
export function literal(header: Header, keeping: "kept" | "passing"): Buffer {
  const into = Buffer.alloc(literalBytesMost(header));
  return into.subarray(0, putLiteral(into, 0, header, keeping));
}

/** Begins a block: from here on the table is so large. */
export function sizeUpdate(bytes: number): Buffer {
  const into = Buffer.alloc(integerBytesMost);
  return into.subarray(0, integer(into, 0, bytes, 5, 0x20));
}

const literalBytesMost = ({ name, value }: Header): number =>
  name.length + value.length + 3 * integerBytesMost;

function putLiteral(into: Buffer, start: number, header: Header, keeping: "kept" | "passing"): number {
  const index = indexByName.get(header.name) ?? 0;
  const isKept = keeping === "kept";
  let at = integer(into, start, index, isKept ? 6 : 4, isKept ? 0x40 : 0);
  if (index === 0) at = text(into, at, header.name);
  at = text(into, at, header.value);
  return at;
}

function text(into: Buffer, start: number, characters: string): number {
  const at = integer(into, start, characters.length, 7, 0);
  return at + into.write(characters, at, "latin1");
}

/** An integer with a prefix of so many bits below `flags`. Gives the place behind it. */
function integer(into: Buffer, start: number, value: number, prefixBits: number, flags: number): number {
  const most = 2 ** prefixBits - 1;
  if (value < most) {
    into[start] = flags | value;
    return start + 1;
  }
  into[start] = flags | most;
  let at = start + 1;
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 0x80;
  into[at++] = rest;
  return at;
}
