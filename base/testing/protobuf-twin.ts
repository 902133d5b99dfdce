import { type Field, type Fields, nestedDepthMax } from "../protobuf.ts";
import { clampedToSafe, text, WireError } from "../wire.ts";

/** What tables mean, interpreted field by field and byte by byte: slow and obviously right. Compiled
 *  codecs are held to it. Enums are open to it. */

interface Place {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;
}

function byte(place: Place): number {
  if (place.at >= place.end) throw new WireError("unexpected end of message", "cut");
  return place.bytes[place.at++] as number;
}

function varint(place: Place): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const next = byte(place);
    if (shift > 63n) throw new WireError("varint longer than 10 bytes", "overflow");
    value |= BigInt(next & 0x7f) << shift;
    if (next < 0x80) return BigInt.asUintN(64, value);
  }
}

function safe(value: bigint): number {
  const signed = BigInt.asIntN(64, value);
  if (signed < -(2n ** 53n) || signed >= 2n ** 53n) throw new WireError("64-bit number beyond 2^53");
  return Number(signed);
}

function delimited(place: Place): Place {
  const lengthBytes = BigInt.asIntN(64, varint(place));
  if (lengthBytes < 0n) throw new WireError("negative length", "negative length");
  if (lengthBytes > BigInt(place.end - place.at))
    throw new WireError("field reaches past the end of its message", "cut");
  const start = place.at;
  place.at += Number(lengthBytes);
  return { bytes: place.bytes, at: start, end: place.at };
}

function fixed(place: Place, lengthBytes: number): Buffer {
  if (place.at + lengthBytes > place.end) throw new WireError("unexpected end of message", "cut");
  place.at += lengthBytes;
  return Buffer.from(place.bytes.subarray(place.at - lengthBytes, place.at));
}

function skip(place: Place, wireType: number): void {
  if (wireType === 0) while (byte(place) >= 0x80);
  else if (wireType === 1) fixed(place, 8);
  else if (wireType === 2) delimited(place);
  else if (wireType === 5) fixed(place, 4);
  else throw new WireError(`unknown wire type ${wireType}`);
}

function readOne({ json }: Field<unknown>, place: Place, depth: number, before?: unknown): unknown {
  switch (json.kind) {
    case "bool":
      return varint(place) !== 0n;
    case "uint32":
      return Number(BigInt.asUintN(32, varint(place)));
    case "long": {
      const value = varint(place);
      const signed = BigInt.asIntN(64, value);
      if (json.as === "safe") return safe(value);
      return json.as === "clamped" ? clampedToSafe(signed) : json.signed ? signed : value;
    }
    case "enum": {
      const value = Number(BigInt.asIntN(32, varint(place)));
      const name = Object.keys(json.names).find((one) => json.names[one] === value);
      return name ?? value;
    }
    case "string":
      return text(whole(delimited(place)));
    case "bytes":
      return whole(delimited(place));
    case "message":
      if (depth === nestedDepthMax) throw new WireError(`messages nested deeper than ${nestedDepthMax}`);
      return readMessage(json.type().fields, delimited(place), { depth: depth + 1, before });
  }
}

const whole = ({ bytes, at, end }: Place) => new Uint8Array(bytes.subarray(at, end));

/** @param before The same message as far as it came already. */
function readMessage(
  fields: Fields,
  place: Place,
  { depth, before }: { readonly depth: number; readonly before?: unknown },
): Record<string, unknown> {
  const out: Record<string, unknown> = { ...(before as object | undefined) };
  if (before === undefined)
    for (const [name, row] of Object.entries(fields))
      out[name] = row.shape === "repeated" ? [] : row.initial();
  while (place.at < place.end) {
    const tag = safe(varint(place));
    if (tag < 8) throw new WireError(`illegal tag ${tag}`);
    const wireType = tag % 8;
    const found = Object.entries(fields).find(([, { number }]) => number === (tag - wireType) / 8);
    if (found === undefined) {
      skip(place, wireType);
      continue;
    }
    const [name, row] = found;
    const wanted = row.wireType;
    if (wireType === wanted && row.shape === "single") {
      out[name] = readOne(row, place, depth, out[name]);
      for (const [rival, other] of Object.entries(fields))
        if (row.oneOf !== undefined && other.oneOf === row.oneOf && rival !== name)
          out[rival] = other.initial();
    } else if (wireType === wanted) (out[name] as unknown[]).push(readOne(row, place, depth));
    else if (wireType === 2 && row.shape === "repeated") {
      const list = delimited(place);
      while (list.at < list.end) (out[name] as unknown[]).push(readOne(row, list, depth));
    } else skip(place, wireType);
  }
  return out;
}

export function twinDecode(fields: Fields, bytes: Uint8Array): Record<string, unknown> {
  return readMessage(fields, { bytes, at: 0, end: bytes.length }, { depth: 0 });
}

function varintOf(value: bigint | number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  return [...out, Number(rest)];
}

const delimitedOf = (content: Iterable<number>) => {
  const bytes = [...content];
  return [...varintOf(bytes.length), ...bytes];
};

function writeOne({ json }: Field<unknown>, value: unknown): number[] {
  switch (json.kind) {
    case "bool":
      return [value ? 1 : 0];
    case "uint32":
    case "long":
      return varintOf(value as bigint | number);
    case "enum":
      return varintOf(typeof value === "number" ? value : (json.names[value as string] as number));
    case "string":
      return delimitedOf(Buffer.from(value as string));
    case "bytes":
      return delimitedOf(value as Uint8Array);
    case "message":
      return delimitedOf(value instanceof Uint8Array ? value : twinEncode(json.type().fields, value ?? {}));
  }
}

export function twinEncode(fields: Fields, value: object): number[] {
  const rows = Object.entries(fields).sort(([, a], [, b]) => a.number - b.number);
  return rows.flatMap(([name, row]) => {
    const given = (value as Record<string, unknown>)[name] ?? undefined;
    const field = given === undefined && row.always ? row.initial() : given;
    if (!row.always && (field === undefined || row.isDefault(field as never))) return [];
    const tag = (wireType: number) => varintOf(row.number * 8 + wireType);
    const wireType = row.wireType;
    if (row.shape === "single") return [...tag(wireType), ...writeOne(row, field)];
    const list = field as unknown[];
    return row.packed
      ? [...tag(2), ...delimitedOf(list.flatMap((one) => writeOne(row, one)))]
      : list.flatMap((one) => [...tag(wireType), ...writeOne(row, one)]);
  });
}
