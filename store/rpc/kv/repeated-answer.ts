import { atOnce, type Sliced } from "../../../base/slices.ts";
import { varintBytes, writeVarint } from "../../../base/varint.ts";

/** An answer's bytes: the fields in `head`, `values` as a repeated message of that number, or as they are where they are fields
 *  already, and the fields in `tail`. */
interface Fields {
  readonly head: Uint8Array;
  readonly field: number | undefined;
  readonly values: readonly Uint8Array[];
  readonly tail: Uint8Array;
}

const valuesMax = 2_000;
const copiedMax = 8_000;
const copiedBytesMax = 4 * 1024 * 1024;
const countedMax = 50_000;

/** Answers with so many values, or so many bytes of them, are put together in slices. */
function isLarge(values: readonly Uint8Array[]): boolean {
  if (values.length > valuesMax) return true;
  let bytes = 0;
  for (const value of values) bytes += value.length;
  return bytes > copiedBytesMax;
}

/** Undefined where putting it together at once holds nobody up. */
export function largeAnswer(fields: Fields): Sliced<Uint8Array> | undefined {
  return isLarge(fields.values) ? put(fields) : undefined;
}

/** At once. */
export function joinedAnswer(fields: Fields): Uint8Array {
  const { head, values, tail } = fields;
  return values.length === 0 ? Buffer.concat([head, tail]) : atOnce(put(fields));
}

function* put({ head, field, values, tail }: Fields): Sliced<Uint8Array> {
  const headBytes = (length: number) => (field === undefined ? 0 : 1 + varintBytes(length));
  let total = head.length + tail.length;
  for (let at = 0; at < values.length; at++) {
    if (at > 0 && at % countedMax === 0) yield;
    const { length } = values[at] as Uint8Array;
    total += headBytes(length) + length;
  }
  const out = Buffer.allocUnsafe(total);
  out.set(head);
  let at = head.length;
  let sliceStart = at;
  let inSlice = 0;
  for (const value of values) {
    if (field !== undefined) {
      out[at] = field * 8 + 2;
      at = writeVarint(out, at + 1, value.length);
    }
    out.set(value, at);
    at += value.length;
    if (++inSlice < copiedMax && at - sliceStart < copiedBytesMax) continue;
    yield;
    sliceStart = at;
    inSlice = 0;
  }
  out.set(tail, at);
  return out;
}
