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
  for (const { name, value } of headers) bytesMost += name.length + value.length + 3 * integerBytesMost;
  const into = Buffer.allocUnsafe(bytesMost);
  let at = 0;
  for (const { name, value } of headers) {
    // Only what answers say often is looked for as a whole.
    const whole = name === ":status" ? indexByHeader.get(`${name}\n${value}`) : undefined;
    if (whole !== undefined) {
      at = integer(into, at, whole, 7, 0x80);
      continue;
    }
    const index = indexByName.get(name) ?? 0;
    at = integer(into, at, index, 4, 0);
    if (index === 0) at = literal(into, at, name);
    at = literal(into, at, value);
  }
  return into.subarray(0, at);
}

function literal(into: Buffer, start: number, text: string): number {
  const at = integer(into, start, text.length, 7, 0);
  return at + into.write(text, at, "latin1");
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
