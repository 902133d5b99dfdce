import { setOwnField } from "./own-field.ts";
import { latin1, text, WireError, WireReader, type WireWriter, writtenBytes } from "./wire.ts";

/** Protocol Buffers described by tables: `message({ key: bytes(1), lease: id64(3) })`. TypeScript types follow from the
 *  table. Decoding copies no bytes: `bytes` fields are views into the input. */
const empty = new Uint8Array(0);

/** How a field stands in JSON (https://protobuf.dev/programming-guides/json/). */
export type JsonForm =
  | { readonly kind: "bool" }
  | { readonly kind: "string" }
  | { readonly kind: "double" }
  | { readonly kind: "int"; readonly signed: boolean }
  /** 64-bit numbers are text in JSON. `exact`: bigints here; `safe`: numbers within ±2^53; `clamped`: those, too, read
   *  as the nearest of them. */
  | { readonly kind: "long"; readonly signed: boolean; readonly as: "exact" | "safe" | "clamped" }
  | { readonly kind: "bytes" }
  | { readonly kind: "byteString" }
  | { readonly kind: "enum"; readonly names: Readonly<Record<string, number>> }
  | { readonly kind: "message"; readonly type: () => Message<object> };

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
  readonly json: JsonForm;
  /** What the definition calls the field, where that is not our name in snake case (see `named`). */
  readonly definedName?: string;
  /** Fields of the same `oneof` exclude each other; the last one read wins. */
  readonly oneOf?: string;
}

function scalar<T>(
  number: number,
  wireType: number,
  initial: T,
  read: (reader: WireReader) => T,
  write: (writer: WireWriter, value: T) => void,
  options: { readonly json: JsonForm; readonly isDefault?: (value: T) => boolean },
): Field<T> {
  const { json, isDefault = (value: T) => value === initial } = options;
  return { number, wireType, read, write, initial: () => initial, isDefault, shape: "single", json };
}

export const bool = (number: number): Field<boolean> =>
  scalar(
    number,
    0,
    false,
    (r) => r.varintBig() !== 0n,
    (w, v) => w.varint(v ? 1 : 0),
    { json: { kind: "bool" } },
  );
export const int32 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varintLow() | 0,
    (w, v) => w.varint(v),
    { json: { kind: "int", signed: true } },
  );
export const uint32 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varintLow() >>> 0,
    (w, v) => w.varint(v),
    { json: { kind: "int", signed: false } },
  );
/** int64 or uint64 that this cluster made and that stays within ±2^53 (revisions, indexes, counts); beyond it decoding
 *  fails. What a client may choose freely is a `clampedInt64` or an id. */
export const int64 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varint(),
    (w, v) => w.varint(v),
    { json: { kind: "long", signed: true, as: "safe" } },
  );
/** An int64 that only bounds or is compared with what is stored (a wanted revision, a limit, a time to live): beyond ±2^53
 *  it is read as the nearest safe integer. All that is stored lies within, so every comparison comes out the same. */
export const clampedInt64 = (number: number): Field<number> =>
  scalar(
    number,
    0,
    0,
    (r) => r.varintClamped(),
    (w, v) => w.varint(v),
    { json: { kind: "long", signed: true, as: "clamped" } },
  );
/** A signed 64-bit id (etcd's ids of leases and watches). */
export const signedId = (number: number): Field<bigint> =>
  scalar(
    number,
    0,
    0n,
    (r) => BigInt.asIntN(64, r.varintBig()),
    (w, v) => w.varintBig(v),
    { json: { kind: "long", signed: true, as: "exact" } },
  );
/** An unsigned 64-bit id (member and cluster ids). */
export const id64 = (number: number): Field<bigint> =>
  scalar(
    number,
    0,
    0n,
    (r) => r.varintBig(),
    (w, v) => w.varintBig(v),
    { json: { kind: "long", signed: false, as: "exact" } },
  );
export const string = (number: number): Field<string> =>
  scalar(
    number,
    2,
    "",
    (r) => text(r.bytes()),
    (w, v) => w.string(v),
    { json: { kind: "string" } },
  );
export const bytes = (number: number): Field<Uint8Array> =>
  scalar(
    number,
    2,
    empty,
    (r) => r.bytes(),
    (w, v) => w.bytes(v),
    { json: { kind: "bytes" }, isDefault: (v) => v.length === 0 },
  );
/** Bytes held as a string of code units 0–255, for use as keys of maps; it sorts as the bytes do. */
export const byteString = (number: number): Field<string> =>
  scalar(
    number,
    2,
    "",
    (r) => latin1(r.bytes()),
    (w, v) => w.byteString(v),
    { json: { kind: "byteString" } },
  );
export const double = (number: number): Field<number> =>
  scalar(
    number,
    1,
    0,
    (r) => r.fixed(8).getFloat64(0, true),
    (w, v) => w.fixed(8, (d) => d.setFloat64(0, v, true)),
    { json: { kind: "double" } },
  );
export const fixed32 = (number: number): Field<number> =>
  scalar(
    number,
    5,
    0,
    (r) => r.fixed(4).getUint32(0, true),
    (w, v) => w.fixed(4, (d) => d.setUint32(0, v, true)),
    { json: { kind: "int", signed: false } },
  );
/** An enum whose names are the keys of `names`, for what this cluster made itself: an unknown number fails decoding. */
export function enumeration<const N extends Readonly<Record<string, number>>>(
  number: number,
  names: N,
): Field<keyof N & string> {
  const byNumber = namesByNumber(names);
  return scalar<keyof N & string>(
    number,
    0,
    nameOfZero(byNumber),
    (r) => {
      const value = r.varintLow() | 0;
      const name = byNumber.get(value);
      if (name === undefined) throw new WireError(`unknown enum value ${value}`);
      return name;
    },
    (w, v) => w.varint(names[v] as number),
    { json: { kind: "enum", names } },
  );
}

/** An enum as proto3 has it, for what others made: numbers without a name are kept as they are. */
export function openEnumeration<const N extends Readonly<Record<string, number>>>(
  number: number,
  names: N,
): Field<OpenEnum<N>> {
  const byNumber = namesByNumber(names);
  return scalar<OpenEnum<N>>(
    number,
    0,
    nameOfZero(byNumber),
    (r) => {
      const value = r.varintLow() | 0;
      return byNumber.get(value) ?? value;
    },
    (w, v) => w.varint(typeof v === "number" ? v : (names[v] as number)),
    { json: { kind: "enum", names } },
  );
}
export type OpenEnum<N> = (keyof N & string) | number;

function namesByNumber<N extends Readonly<Record<string, number>>>(names: N): Map<number, keyof N & string> {
  return new Map(Object.entries(names).map(([name, value]) => [value, name as keyof N & string]));
}

function nameOfZero<Name>(byNumber: ReadonlyMap<number, Name>): Name {
  const first = byNumber.get(0);
  if (first === undefined) throw new WireError("an enumeration needs a name for 0");
  return first;
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
    json: { kind: "message", type: get as () => Message<object> },
  };
}

/** A field that the definition calls `definedName`: JSON uses the names of the definition. */
export function named<T>(definedName: string, field: Field<T>): Field<T> {
  return { ...field, definedName };
}

/** Fields of which at most one is set. */
export function oneOf<const F extends Fields>(group: string, fields: F): F {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, { ...field, oneOf: group }]),
  ) as F;
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
    json: field.json,
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
    json: value(2).json,
  };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
/** The object a table describes, every field present. */
export type Decoded<F extends Fields> = { -readonly [N in keyof F]: F[N] extends Field<infer T> ? T : never };

export interface Message<T extends object> {
  /** Reads a whole message; absent fields get their defaults, unknown ones are skipped. Throws `WireError`. */
  decode(buffer: Uint8Array): T;
  /** Writes a message; fields that are missing or at their default are left out. `take`: where what lives long gets its
   *  memory. */
  encode(value: Encodable<T>, take?: (lengthBytes: number) => Buffer): Uint8Array;
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

export const nestedDepthMax = 100;

/** For each field of a `oneof` the others of it. */
function rivalsOf(fields: Fields): ReadonlyMap<string, readonly (readonly [string, Field<unknown>])[]> {
  const members = Object.entries(fields).filter(([, row]) => row.oneOf !== undefined);
  return new Map(
    members.map(([name, row]) => [
      name,
      members.filter(([other, otherRow]) => other !== name && otherRow.oneOf === row.oneOf),
    ]),
  );
}

export function message<const F extends Fields>(fields: F): Message<Decoded<F>> {
  type T = Decoded<F>;
  const names = Object.keys(fields);
  const rows = names.map((name) => fields[name] as Field<unknown>);
  const rivals = rivalsOf(fields);
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
      if (row.shape === "single" && wireType === row.wireType) {
        out[name] = row.read(reader);
        if (row.oneOf !== undefined)
          for (const [rival, rivalRow] of rivals.get(name) ?? []) out[rival] = rivalRow.initial();
      } else if (row.shape === "repeated" && wireType === row.wireType)
        (out[name] as unknown[]).push(row.read(reader));
      else if (row.shape === "repeated" && row.packable && wireType === 2) {
        const packed = reader.bytes();
        const inner = new WireReader(packed);
        while (inner.position < inner.end) (out[name] as unknown[]).push(row.read(inner));
      } else if (row.shape === "map" && wireType === 2) {
        const pair = row.read(reader) as { key: string; value: unknown };
        setOwnField(out[name] as Record<string, unknown>, pair.key, pair.value);
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
    encode(value, take) {
      return writtenBytes((writer) => write(writer, value), take);
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
