import { assert } from "./assert.ts";
import { type Compiled, compile, Lengths } from "./protobuf-compile.ts";
import { WireError, WireReader } from "./wire.ts";

/** Protocol Buffers described by tables: `message({ key: bytes(1), lease: id64(3) })`. TypeScript types follow from the
 *  table, which is compiled when it is first used (`protobuf-compile.ts`). Decoding copies no bytes: `bytes` fields are views
 *  into the input. */
const empty = new Uint8Array(0);
const none: readonly never[] = Object.freeze([]);

/** How a field stands in JSON (https://protobuf.dev/programming-guides/json/). */
export type JsonForm =
  | { readonly kind: "bool" }
  | { readonly kind: "string" }
  | { readonly kind: "uint32" }
  /** 64-bit numbers are text in JSON. `exact`: bigints here; `safe`: numbers within ±2^53; `clamped`: those, too, read
   *  as the nearest of them. */
  | { readonly kind: "long"; readonly signed: boolean; readonly as: "exact" | "safe" | "clamped" }
  | { readonly kind: "bytes" }
  /** `isOpen`: numbers without a name are kept as they are; else they fail reading. */
  | {
      readonly kind: "enum";
      readonly names: Readonly<Record<string, number>>;
      readonly byNumber: ReadonlyMap<number, string>;
      readonly isOpen: boolean;
    }
  | { readonly kind: "message"; readonly type: () => Message<object> };

/** One field's kind: `json` says how it is read and written, and `isDefault` when writing may be left out. */
export interface Field<T> {
  readonly number: number;
  readonly wireType: number;
  /** The value of an absent field. */
  readonly initial: () => T;
  readonly isDefault: (value: never) => boolean;
  readonly shape: "single" | "repeated";
  /** Repeated scalars that are written packed; they are read either way. */
  readonly packed?: boolean;
  /** Written even when absent or zero (see `always`). */
  readonly always?: boolean;
  /** Written whenever it is there (see `optional`). */
  readonly explicit?: boolean;
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
  options: { readonly json: JsonForm; readonly isDefault?: (value: T) => boolean },
): Field<T> {
  const { json, isDefault = (value: T) => value === initial } = options;
  return { number, wireType, initial: () => initial, isDefault, shape: "single", json };
}

export const bool = (number: number): Field<boolean> => scalar(number, 0, false, { json: { kind: "bool" } });
export const uint32 = (number: number): Field<number> => scalar(number, 0, 0, { json: { kind: "uint32" } });
/** int64 or uint64 that this cluster made and that stays within ±2^53 (revisions, indexes, counts); beyond it decoding
 *  fails. What a client may choose freely is a `clampedInt64` or an id. */
export const int64 = (number: number): Field<number> =>
  scalar(number, 0, 0, { json: { kind: "long", signed: true, as: "safe" } });
/** An int64 that only bounds or is compared with what is stored (a wanted revision, a limit, a time to live): beyond ±2^53
 *  it is read as the nearest safe integer. All that is stored lies within, so every comparison comes out the same. */
export const clampedInt64 = (number: number): Field<number> =>
  scalar(number, 0, 0, { json: { kind: "long", signed: true, as: "clamped" } });
/** A signed 64-bit id (etcd's ids of leases and watches). */
export const signedId = (number: number): Field<bigint> =>
  scalar(number, 0, 0n, { json: { kind: "long", signed: true, as: "exact" } });
/** An unsigned 64-bit id (member and cluster ids). */
export const id64 = (number: number): Field<bigint> =>
  scalar(number, 0, 0n, { json: { kind: "long", signed: false, as: "exact" } });
export const string = (number: number): Field<string> => scalar(number, 2, "", { json: { kind: "string" } });
export const bytes = (number: number): Field<Uint8Array> =>
  scalar(number, 2, empty, { json: { kind: "bytes" }, isDefault: (v) => v.length === 0 });
/** An enum whose names are the keys of `names`, for what this cluster made itself: an unknown number fails decoding. */
export const enumeration = <const N extends Readonly<Record<string, number>>>(
  number: number,
  names: N,
): Field<keyof N & string> => enumOf<keyof N & string>(number, names, false);

/** An enum as proto3 has it, for what others made: numbers without a name are kept as they are. */
export const openEnumeration = <const N extends Readonly<Record<string, number>>>(
  number: number,
  names: N,
): Field<OpenEnum<N>> => enumOf<OpenEnum<N>>(number, names, true);

function enumOf<T>(number: number, names: Readonly<Record<string, number>>, isOpen: boolean): Field<T> {
  const byNumber = new Map(Object.entries(names).map(([name, value]) => [value, name]));
  const zero = byNumber.get(0);
  if (zero === undefined) throw new WireError("an enumeration needs a name for 0");
  return scalar(number, 0, zero as T, { json: { kind: "enum", names, byNumber, isOpen } });
}
export type OpenEnum<N> = (keyof N & string) | number;

/** A nested message; absent is `undefined`. When writing, bytes that are already encoded may stand for the message. */
export function nested<T extends object>(
  number: number,
  type: Message<T> | (() => Message<T>),
): Field<T | undefined> {
  const get = typeof type === "function" ? type : () => type;
  return {
    number,
    wireType: 2,
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
  return {
    ...field,
    initial: () => undefined,
    isDefault: (value: unknown) => value === undefined,
    explicit: true,
  };
}

/** proto2 non-nullable, as gogoproto writes it: on the wire even when zero. */
export function always<T>(field: Field<T>): Field<T> {
  return { ...field, isDefault: () => false, always: true };
}

export function repeated<T>(field: Field<T>): Field<readonly Exclude<T, undefined>[]> {
  return {
    number: field.number,
    wireType: field.wireType,
    initial: () => none,
    isDefault: (value: readonly T[]) => value.length === 0,
    shape: "repeated",
    packed: field.wireType !== 2,
    json: field.json,
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
  /** Reads one that stands in another, from its length on. `before`: what was read of it so far, which is used up. */
  readNested(reader: WireReader, before?: T): T;
  readonly size: Compiled["size"];
  readonly write: Compiled["write"];
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

/** One message is written at a time. */
const lengths = new Lengths();

export function message<const F extends Fields>(fields: F): Message<Decoded<F>> {
  type T = Decoded<F>;
  let compiled: Compiled | undefined;
  const code = (): Compiled => {
    compiled ??= compile(fields);
    return compiled;
  };
  return {
    fields,
    decode: (buffer) => code().read(new WireReader(buffer)) as T,
    encode(value, take = Buffer.allocUnsafe) {
      lengths.list.length = 0;
      lengths.next = 0;
      const bytes = take(code().size(value, lengths));
      const end = code().write(bytes, 0, value, lengths);
      // The memory may hold what others left there.
      if (end !== bytes.length) assert(false, `${end} bytes were written of a message of ${bytes.length}`);
      return bytes;
    },
    readNested(reader, before) {
      if (reader.depth >= nestedDepthMax)
        throw new WireError(`messages nested deeper than ${nestedDepthMax}`);
      const end = reader.enter();
      const { read, readOn } = code();
      const value = (before === undefined ? read(reader) : readOn(reader, before)) as T;
      reader.leave(end);
      return value;
    },
    size: (value, lengths) => code().size(value, lengths),
    write: (buffer, at, value, lengths) => code().write(buffer, at, value, lengths),
  };
}
