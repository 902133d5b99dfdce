import { assert } from "../../base/assert.ts";
import type { Sliced } from "../../base/slices.ts";
import { WireReader } from "../../base/wire.ts";
import type { Revision } from "../revisions/revision-key.ts";
import { type KeyIndex, noPoint, type Span } from "./key-index.ts";
import { decodeKeyValue, encodeKeyValue, type KeyValueParts, readBare, withoutValue } from "./key-value.ts";
import type { Point } from "./older-points.ts";
import { PackedKeys } from "./packed-keys.ts";

/** One key, or [from, to) with `to` undefined for "to the end"; keys are bytes, or byte strings. */
export type KeyRange<K = Uint8Array> =
  | { readonly single: true; readonly from: K }
  | { readonly single: false; readonly from: K; readonly to: K | undefined };

export interface ReadOptions {
  /** 0 or less: the newest. */
  readonly revision: number;
  /** 0: no limit. */
  readonly limit: number;
  readonly countOnly: boolean;
  /** The values are left out, and not read. */
  readonly keysOnly: boolean;
  /** With `keysOnly`: what is found is packed, not an item for each key. */
  readonly packs?: boolean;
  /** Given: no key follows once those that were found have so many bytes, and what is behind them or the limit is not counted: one
   *  key more than was found stands for all of it. */
  readonly chunkBytesMax?: number;
}

export type KeyOptions = Pick<ReadOptions, "revision" | "keysOnly">;

/** All there is now, with its values and without. */
export const newest: ReadOptions = { revision: 0, limit: 0, countOnly: false, keysOnly: false };
export const newestBare: ReadOptions = { ...newest, keysOnly: true };

/** Encoded KeyValues in byte order of the keys, and how many there are without the limit (but see `chunkBytesMax`). */
export interface Found {
  readonly kvs: readonly Uint8Array[];
  /** In place of `kvs` where they were to be packed: `PackedKeys.pieces`. */
  readonly packed?: readonly Uint8Array[];
  readonly count: number;
}

/** What may be done at a stretch. */
export interface SliceLimits {
  /** Keys looked at or changed, whose values are not read. */
  readonly keysMax: number;
  readonly valuesMax: number;
  readonly valueBytesMax: number;
  /** Changes of a transaction that watches are told of one by one. */
  readonly changesMax: number;
}

/** A few milliseconds each. */
export const sliceLimits: SliceLimits = {
  keysMax: 1_000,
  valuesMax: 250,
  valueBytesMax: 1024 * 1024,
  changesMax: 5_000,
};

/** The state that is read. Between two slices it may change, but for what stood at the revision that is read. */
export interface ReadSource {
  readonly index: KeyIndex;
  readonly limits: SliceLimits;
  /** The stored KeyValue of a row. */
  stored(row: Revision): Uint8Array | undefined;
  /** The lease that a key of the index hangs on; 0n: on none. */
  leaseOf(slot: number): bigint;
}

/** Where a key's point is filled in, for the time of one call. */
const point = noPoint();

/** The stored KeyValue of a key as it was at a revision, or without its value; undefined where it did not exist. */
export function readKey(
  source: ReadSource,
  key: Uint8Array,
  { revision, keysOnly }: KeyOptions,
): Uint8Array | undefined {
  const slot = findAt(source, key, revision);
  if (slot === 0) return undefined;
  return keysOnly ? bare(source, slot, point) : existing(source, point);
}

/** The same in parts. */
export function readParts(
  source: ReadSource,
  key: Uint8Array,
  { revision, keysOnly }: KeyOptions,
): KeyValueParts | undefined {
  const slot = findAt(source, key, revision);
  if (slot === 0) return undefined;
  return keysOnly && isNewest(source, slot, point)
    ? bareParts(source, slot, point, key)
    : decodeKeyValue(existing(source, point));
}

/** The slot of a key that existed at a revision, with `point` filled in; 0 where it did not. */
function findAt({ index }: ReadSource, key: Uint8Array, revision: number): number {
  const slot = index.find(key);
  return slot === 0 || !index.pointAt(slot, revision, point) || point.deletion ? 0 : slot;
}

/** Reads the keys of a span as they were at a revision. */
export function* readSpan(
  source: ReadSource,
  span: Span,
  options: ReadOptions,
  revision: number,
): Sliced<Found> {
  const { index, limits } = source;
  const { countOnly, keysOnly, limit, chunkBytesMax = Number.POSITIVE_INFINITY } = options;
  const isChunk = options.chunkBytesMax !== undefined;
  const kvs: Uint8Array[] = [];
  const packed = options.packs ? new PackedKeys() : undefined;
  let count = 0;
  let sliceBytes = 0;
  let bytes = 0;
  const isFull = () =>
    countOnly || (limit > 0 && (packed?.count ?? kvs.length) >= limit) || bytes >= chunkBytesMax;
  const keep = (kv: Uint8Array) => {
    kvs.push(kv);
    bytes += kv.length;
    return kv.length;
  };
  const take = (slot: number, point: Point) => {
    count++;
    if (isFull()) return !isChunk;
    sliceBytes +=
      packed === undefined
        ? keep(keysOnly ? bare(source, slot, point) : existing(source, point))
        : packed.add(partsOf(source, slot, point));
    return sliceBytes < limits.valueBytesMax;
  };
  for (let from: Uint8Array | undefined = span.from; ; ) {
    const keysMax = isFull() || keysOnly ? limits.keysMax : limits.valuesMax;
    sliceBytes = 0;
    from = index.visitAt({ from, to: span.to }, { revision, keysMax }, take);
    if (from === undefined || (isChunk && count > kvs.length))
      return packed === undefined ? { kvs, count } : { kvs, packed: packed.pieces, count };
    yield;
  }
}

function existing(source: ReadSource, row: Revision): Uint8Array {
  const stored = source.stored(row);
  assert(stored !== undefined, rowIsMissing);
  return stored;
}

const rowIsMissing = "mvcc: a revision is in the index, not in the backend";

const noValue = new Uint8Array(0);

/** A KeyValue without its value. All of it is in memory, but for keys that were changed after the revision that is read. */
function bare(source: ReadSource, slot: number, point: Point): Uint8Array {
  return isNewest(source, slot, point)
    ? encodeKeyValue(bareParts(source, slot, point, source.index.records.keyOf(slot)))
    : withoutValue(existing(source, point));
}

/** The same in parts. */
function partsOf(source: ReadSource, slot: number, point: Point): KeyValueParts {
  return isNewest(source, slot, point)
    ? bareParts(source, slot, point, source.index.records.keyOf(slot))
    : readBare(new WireReader(existing(source, point)));
}

function isNewest({ index: { records } }: ReadSource, slot: number, point: Point): boolean {
  return point.main === records.mainOf(slot) && point.sub === records.subOf(slot);
}

/** What is known of a key at its newest point. */
function bareParts(source: ReadSource, slot: number, point: Point, key: Uint8Array): KeyValueParts {
  const { records } = source.index;
  return {
    key,
    createRevision: records.createOf(slot),
    modRevision: point.main,
    version: records.versionOf(slot),
    value: noValue,
    lease: source.leaseOf(slot),
  };
}
