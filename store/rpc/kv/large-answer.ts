import type { Sliced } from "../../../base/slices.ts";
import { sliceLimits } from "../../mvcc/read.ts";

/** Answers with so many values, or so many bytes of them, are put together in slices. */
const isLarge = (values: readonly Uint8Array[]) =>
  values.length > sliceLimits.keysMax ||
  values.reduce((bytes, value) => bytes + value.length, 0) > copiedBytesMax;
const copiedBytesMax = 4 * 1024 * 1024;
const countedMax = 50_000;

/** The bytes of a message: the fields in `head`, `values` as a repeated message of that number, and the fields in `tail`.
 *  Undefined where encoding it at once holds nobody up. */
export function largeAnswer(parts: {
  readonly head: () => Uint8Array;
  readonly field: number;
  readonly values: readonly Uint8Array[];
  readonly tail: () => Uint8Array;
}): Sliced<Uint8Array> | undefined {
  return isLarge(parts.values) ? put(parts.head(), parts.field, parts.values, parts.tail()) : undefined;
}

function* put(
  head: Uint8Array,
  field: number,
  values: readonly Uint8Array[],
  tail: Uint8Array,
): Sliced<Uint8Array> {
  const tag = field * 8 + 2;
  let total = head.length + tail.length;
  for (const [at, value] of values.entries()) {
    if (at > 0 && at % countedMax === 0) yield;
    total += 1 + varintBytes(value.length) + value.length;
  }
  const out = Buffer.allocUnsafeSlow(total);
  out.set(head);
  let at = head.length;
  let sliceStart = at;
  let inSlice = 0;
  for (const value of values) {
    out[at++] = tag;
    let rest = value.length;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) out[at++] = (rest % 128) | 0x80;
    out[at++] = rest;
    out.set(value, at);
    at += value.length;
    if (++inSlice < 4 * sliceLimits.keysMax && at - sliceStart < copiedBytesMax) continue;
    yield;
    sliceStart = at;
    inSlice = 0;
  }
  out.set(tail, at);
  return out;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
