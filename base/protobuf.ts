/** Protocol Buffers on the wire, described by tables: `message({ key: bytes(1), lease: id64(3) })`.
 *  TypeScript types follow from the table. Decoding copies no bytes: `bytes` fields are views into the input.
 *  Wire format: https://protobuf.dev/programming-guides/encoding/ */

const decoder = new TextDecoder("utf-8");
const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);

export class WireError extends Error {
  override readonly name = "WireError";
}

/** Reads one message's bytes front to back. */
export class WireReader {
  readonly buffer: Uint8Array;
  position: number;
  readonly end: number;
  /** Depth of nested messages, bounded so that hostile input cannot exhaust the stack. */
  depth = 0;

  constructor(buffer: Uint8Array, start = 0, end = buffer.length) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
  }

  byte(): number {
    if (this.position >= this.end) throw new WireError("unexpected end of message");
    return this.buffer[this.position++] as number;
  }

  /** A varint of at most 64 bits as a number; the high bits beyond 2^53 must be a sign extension of an int64. */
  varint(): number {
    let low = 0;
    let shift = 0;
    for (;;) {
      const byte = this.byte();
      if (shift < 28) low |= (byte & 0x7f) << shift;
      else return this.#longVarint(low, byte);
      if (byte < 0x80) return low;
      shift += 7;
    }
  }

  /** Entered with 28 bits in `low` and the fifth byte in hand. */
  #longVarint(low28: number, fifth: number): number {
    let value = low28 + (fifth & 0x7f) * 2 ** 28;
    if (fifth < 0x80) return value;
    let scale = 2 ** 35;
    let high = 0; // bits 53 and above, to tell a negative number from one too large
    for (let count = 6; ; count++) {
      const byte = this.byte();
      if (count > 10) throw new WireError("varint longer than 10 bytes");
      const bits = byte & 0x7f;
      if (scale < 2 ** 49) value += bits * scale;
      else if (scale === 2 ** 49) {
        value += (bits & 0x0f) * scale;
        high += bits >>> 4;
      } else high += bits * (scale / 2 ** 53);
      scale *= 128;
      if (byte < 0x80) break;
    }
    if (high === 0) return value;
    if (high >= 2 ** 10) {
      // Bit 63 is set: a negative int64 in two's complement.
      const unsigned = value - 2 ** 53 + (high - 2047) * 2 ** 53;
      if (unsigned >= -(2 ** 53)) return unsigned;
    }
    throw new WireError("64-bit number beyond 2^53");
  }

  /** A varint as an unsigned 64-bit bigint. */
  varintBig(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      if (shift > 63n) throw new WireError("varint longer than 10 bytes");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }

  bytes(): Uint8Array {
    const start = this.#length();
    this.position = start.end;
    return this.buffer.subarray(start.start, start.end);
  }

  /** Ends of the length-delimited field that starts here. */
  #length(): { start: number; end: number } {
    const lengthBytes = this.varint();
    const start = this.position;
    if (lengthBytes < 0 || start + lengthBytes > this.end)
      throw new WireError("field reaches past the end of its message");
    return { start, end: start + lengthBytes };
  }

  fixed(lengthBytes: 4 | 8): DataView {
    if (this.position + lengthBytes > this.end) throw new WireError("unexpected end of message");
    const view = new DataView(this.buffer.buffer, this.buffer.byteOffset + this.position, lengthBytes);
    this.position += lengthBytes;
    return view;
  }

  skip(wireType: number): void {
    switch (wireType) {
      case 0:
        while (this.byte() >= 0x80);
        return;
      case 1:
        this.fixed(8);
        return;
      case 2:
        this.bytes();
        return;
      case 5:
        this.fixed(4);
        return;
      default:
        throw new WireError(`unknown wire type ${wireType}`);
    }
  }
}

/** Writes into a buffer that grows; `finish()` hands it out. Nested lengths are patched in place. */
export class WireWriter {
  #buffer: Buffer;
  #length = 0;

  constructor(sizeBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(sizeBytes);
  }

  get lengthBytes(): number {
    return this.#length;
  }

  #room(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + moreBytes));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }

  /** A safe integer; negative ones as ten-byte two's complement. */
  varint(value: number): this {
    this.#room(10);
    if (value < 0) return this.varintBig(BigInt.asUintN(64, BigInt(value)));
    let rest = value;
    while (rest >= 2 ** 31) {
      this.#buffer[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
    return this;
  }

  varintBig(value: bigint): this {
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#buffer[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  bytes(value: Uint8Array): this {
    return this.varint(value.length).raw(value);
  }

  string(value: string): this {
    const size = Buffer.byteLength(value);
    this.varint(size).#room(size);
    this.#length += this.#buffer.write(value, this.#length, size, "utf8");
    return this;
  }

  /** A string whose characters stand for bytes (latin1). */
  byteString(value: string): this {
    this.varint(value.length).#room(value.length);
    this.#length += this.#buffer.write(value, this.#length, value.length, "latin1");
    return this;
  }

  fixed(lengthBytes: 4 | 8, fill: (view: DataView) => void): this {
    this.#room(lengthBytes);
    fill(new DataView(this.#buffer.buffer, this.#buffer.byteOffset + this.#length, lengthBytes));
    this.#length += lengthBytes;
    return this;
  }

  /** Writes what `fill` writes, preceded by its length. */
  nested(fill: () => void): this {
    const lengthAt = this.#length;
    this.#room(1);
    this.#length += 1;
    const start = this.#length;
    fill();
    const size = this.#length - start;
    if (size < 0x80) {
      this.#buffer[lengthAt] = size;
      return this;
    }
    const extra = size < 2 ** 14 ? 1 : size < 2 ** 21 ? 2 : size < 2 ** 28 ? 3 : 4;
    this.#room(extra);
    this.#buffer.copyWithin(start + extra, start, this.#length);
    this.#length = lengthAt;
    this.varint(size);
    this.#length = start + extra + size;
    return this;
  }

  /** The bytes written so far. The writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }
}

/** One field's kind: how to read it, how to write it, and when writing may be left out. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: number;
  readonly read: (reader: WireReader) => unknown;
  readonly write: (writer: WireWriter, value: never) => void;
  /** The value of an absent field. */
  readonly initial: () => T;
  readonly isDefault: (value: never) => boolean;
  readonly shape: "single" | "repeated" | "map";
  /** Set on repeated scalars, which may arrive packed. */
  readonly packable?: boolean;
  /** Written even when absent or zero (see `always`). */
  readonly always?: boolean;
}

function scalar<T>(
  number: number,
  wireType: number,
  initial: T,
  read: (reader: WireReader) => T,
  write: (writer: WireWriter, value: T) => void,
  isDefault: (value: T) => boolean = (value) => value === initial,
): Field<T> {
  return { number, wireType, read, write, initial: () => initial, isDefault, shape: "single" };
}

export const bool = (number: number): Field<boolean> =>
  scalar(
    number,
    0,
    false,
    (r) => r.varintBig() !== 0n,
    (w, v) => w.varint(v ? 1 : 0),
  );
export const int32 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varint() | 0,
    (w, v) => w.varint(v),
  );
export const uint32 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varint() >>> 0,
    (w, v) => w.varint(v),
  );
/** int64 or uint64 that is known to stay within ±2^53 (revisions, indexes, counts); beyond it decoding fails. */
export const int64 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varint(),
    (w, v) => w.varint(v),
  );
/** A signed 64-bit id (etcd's lease ids). */
export const signedId = (number: number): Field<bigint> =>
  scalar(
    number,
    0,
    0n,
    (r) => BigInt.asIntN(64, r.varintBig()),
    (w, v) => w.varintBig(v),
  );
/** An unsigned 64-bit id (member and cluster ids). */
export const id64 = (number: number): Field<bigint> =>
  scalar(
    number,
    0,
    0n,
    (r) => r.varintBig(),
    (w, v) => w.varintBig(v),
  );
export const string = (number: number): Field<string> =>
  scalar(
    number,
    2,
    "",
    (r) => decoder.decode(r.bytes()),
    (w, v) => w.string(v),
  );
export const bytes = (number: number): Field<Uint8Array> =>
  scalar(
    number,
    2,
    EMPTY,
    (r) => r.bytes(),
    (w, v) => w.bytes(v),
    (v) => v.length === 0,
  );
/** Bytes held as a string of code units 0–255, for use as keys of maps; it sorts as the bytes do. */
export const byteString = (number: number): Field<string> =>
  scalar(
    number,
    2,
    "",
    (r) => latin1(r.bytes()),
    (w, v) => w.byteString(v),
  );
export const double = (number: number): Field<number> =>
  scalar(
    number,
    1,
    0,
    (r) => r.fixed(8).getFloat64(0, true),
    (w, v) => w.fixed(8, (d) => d.setFloat64(0, v, true)),
  );
export const fixed32 = (number: number): Field<number> =>
  scalar(
    number,
    5,
    0,
    (r) => r.fixed(4).getUint32(0, true),
    (w, v) => w.fixed(4, (d) => d.setUint32(0, v, true)),
  );
/** An enum whose names are the keys of `names`; unknown numbers are kept as `UNKNOWN_<n>` errors on read. */
export function enumeration<const N extends Readonly<Record<string, number>>>(
  number: number,
  names: N,
): Field<keyof N & string> {
  const byNumber = new Map(Object.entries(names).map(([name, value]) => [value, name as keyof N & string]));
  const first = byNumber.get(0);
  if (first === undefined) throw new WireError("an enumeration needs a name for 0");
  return scalar<keyof N & string>(
    number,
    0,
    first,
    (r) => {
      const value = r.varint();
      const name = byNumber.get(value);
      if (name === undefined) throw new WireError(`unknown enum value ${value}`);
      return name;
    },
    (w, v) => w.varint(names[v] as number),
  );
}

/** A nested message; absent is `undefined`. When writing, bytes that are already encoded may stand for the message. */
export function nested<T extends object>(
  number: number,
  type: Message<T> | (() => Message<T>),
): Field<T | undefined> {
  const get = typeof type === "function" ? type : () => type;
  return {
    number,
    wireType: 2,
    read: (reader) => get().readNested(reader),
    write: (writer, value: T | Uint8Array | undefined) => {
      if (value instanceof Uint8Array) writer.bytes(value);
      else writer.nested(() => get().write(writer, value ?? {}));
    },
    initial: () => undefined,
    isDefault: (value: unknown) => value === undefined,
    shape: "single",
  };
}

/** proto3 `optional`: presence is kept; absent is `undefined`. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return { ...field, initial: () => undefined, isDefault: (value: unknown) => value === undefined };
}

/** proto2 non-nullable, as gogoproto writes it: on the wire even when zero. */
export function always<T>(field: Field<T>): Field<T> {
  return { ...field, isDefault: () => false, always: true };
}

export function repeated<T>(field: Field<T>): Field<readonly Exclude<T, undefined>[]> {
  return {
    number: field.number,
    wireType: field.wireType,
    read: field.read,
    write: field.write,
    initial: () => [],
    isDefault: (value: readonly T[]) => value.length === 0,
    shape: "repeated",
    packable: field.wireType !== 2,
  };
}

/** map<string, V>; `value` is the entry's field 2. */
export function map<V>(
  number: number,
  value: (number: 2) => Field<V>,
): Field<Readonly<Record<string, Exclude<V, undefined>>>> {
  const entry = message({ key: string(1), value: value(2) });
  return {
    number,
    wireType: 2,
    read: (reader) => entry.readNested(reader),
    write: (writer, pair: { key: string; value: never }) => {
      writer.nested(() => {
        writer.varint(10).string(pair.key);
        const row = value(2);
        writer.varint(16 | row.wireType);
        row.write(writer, pair.value);
      });
    },
    initial: () => ({}),
    isDefault: (record: object) => Object.keys(record).length === 0,
    shape: "map",
  };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The object a table describes, every field present. */
export type Decoded<F extends Fields> = { -readonly [N in keyof F]: F[N] extends Field<infer T> ? T : never };

export interface Message<T extends object> {
  /** Reads a whole message; absent fields get their defaults, unknown ones are skipped. Throws `WireError`. */
  decode(buffer: Uint8Array): T;
  /** Writes a message; fields that are missing or at their default are left out. */
  encode(value: Encodable<T>): Uint8Array;
  readNested(reader: WireReader): T;
  write(writer: WireWriter, value: Encodable<T>): void;
  readonly fields: Fields;
}
/** What may be encoded: any part of the message; nested messages may be given already encoded. */
export type Encodable<T> = { readonly [N in keyof T]?: EncodableValue<T[N]> | undefined };
type EncodableValue<V> = V extends Uint8Array
  ? V
  : V extends readonly (infer E)[]
    ? readonly EncodableValue<E>[]
    : V extends object
      ? Encodable<V> | Uint8Array
      : V;

export type Of<M> = M extends Message<infer T> ? T : never;

const nestedDepthMax = 100;

export function message<const F extends Fields>(fields: F): Message<Decoded<F>> {
  type T = Decoded<F>;
  const names = Object.keys(fields);
  const rows = names.map((name) => fields[name] as Field<unknown>);
  const byNumber: ({ readonly name: string; readonly row: Field<unknown> } | undefined)[] = [];
  names.forEach((name, i) => {
    byNumber[(rows[i] as Field<unknown>).number] = { name, row: rows[i] as Field<unknown> };
  });
  const inOrder = names
    .map((name, i) => ({ name, row: rows[i] as Field<unknown>, tag: 0 }))
    .sort((a, b) => a.row.number - b.row.number);
  for (const entry of inOrder) entry.tag = entry.row.number * 8 + entry.row.wireType;

  function read(reader: WireReader): T {
    const out: Record<string, unknown> = {};
    for (let i = 0; i < names.length; i++) out[names[i] as string] = (rows[i] as Field<unknown>).initial();
    while (reader.position < reader.end) {
      const tag = reader.varint();
      const found = byNumber[Math.floor(tag / 8)];
      const wireType = tag & 7;
      if (found === undefined) {
        if (tag < 8) throw new WireError(`illegal tag ${tag}`);
        reader.skip(wireType);
        continue;
      }
      const { name, row } = found;
      if (row.shape === "single" && wireType === row.wireType) out[name] = row.read(reader);
      else if (row.shape === "repeated" && wireType === row.wireType)
        (out[name] as unknown[]).push(row.read(reader));
      else if (row.shape === "repeated" && row.packable && wireType === 2) {
        const packed = reader.bytes();
        const inner = new WireReader(packed);
        while (inner.position < inner.end) (out[name] as unknown[]).push(row.read(inner));
      } else if (row.shape === "map" && wireType === 2) {
        const pair = row.read(reader) as { key: string; value: unknown };
        (out[name] as Record<string, unknown>)[pair.key] = pair.value;
      } else reader.skip(wireType);
    }
    return out as T;
  }

  function write(writer: WireWriter, value: Encodable<T>): void {
    for (const { name, row, tag } of inOrder) {
      const field = (value as Record<string, unknown>)[name] ?? undefined;
      if (field === undefined) {
        if (row.always) {
          writer.varint(tag);
          row.write(writer, row.initial() as never);
        }
        continue;
      }
      if (row.isDefault(field as never)) continue;
      if (row.shape === "repeated") {
        if (row.packable) {
          writer.varint(row.number * 8 + 2).nested(() => {
            for (const element of field as never[]) row.write(writer, element);
          });
        } else {
          for (const element of field as never[]) {
            writer.varint(tag);
            row.write(writer, element);
          }
        }
      } else if (row.shape === "map") {
        for (const [key, element] of Object.entries(field)) {
          writer.varint(tag);
          row.write(writer, { key, value: element } as never);
        }
      } else {
        writer.varint(tag);
        row.write(writer, field as never);
      }
    }
  }

  return {
    fields,
    decode: (buffer) => read(new WireReader(buffer)),
    encode(value) {
      const writer = new WireWriter();
      write(writer, value);
      return writer.finish();
    },
    readNested(reader) {
      const depth = reader.depth + 1;
      if (depth > nestedDepthMax) throw new WireError(`messages nested deeper than ${nestedDepthMax}`);
      const body = reader.bytes();
      const inner = new WireReader(body);
      inner.depth = depth;
      return read(inner);
    },
    write,
  };
}

/** Bytes to a string of code units 0–255. */
export function latin1(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString("latin1");
}

/** The reverse of `latin1`. */
export function latin1Bytes(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}

export const utf8 = (text: string): Uint8Array => encoder.encode(text);
export const text = (value: Uint8Array): string => decoder.decode(value);
