import { must } from "../../base/assert.ts";
import type { Sliced } from "../../base/slices.ts";
import type { KeyHistory, KeyIndex, Point } from "./key-index.ts";
import { encodeKeyValue, withoutValue } from "./key-value.ts";
import type { Revision } from "./revision.ts";

/** Byte strings: one key, or [from, to) with `to` undefined for "to the end". */
export type KeyRange =
  | { readonly single: true; readonly from: string }
  | { readonly single: false; readonly from: string; readonly to: string | undefined };

export interface ReadOptions {
  /** 0 or less: the newest. */
  readonly revision: number;
  /** 0: no limit. */
  readonly limit: number;
  readonly countOnly: boolean;
  /** The values are left out, and not read. */
  readonly keysOnly: boolean;
}

/** Encoded KeyValues in byte order of the keys, and how many there are without the limit. */
export interface Found {
  readonly kvs: readonly Uint8Array[];
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
  keysMax: 2_000,
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
  leaseOf(key: string): bigint;
}

/** Reads a range as it was at a revision. */
export function* readRange(
  source: ReadSource,
  range: KeyRange,
  options: ReadOptions,
  revision: number,
): Sliced<Found> {
  const { index, limits } = source;
  const { countOnly, keysOnly, limit } = options;
  const kvs: Uint8Array[] = [];
  let count = 0;
  let sliceBytes = 0;
  const isFull = () => countOnly || (limit > 0 && kvs.length >= limit);
  const take = (key: string, point: Point, history: KeyHistory) => {
    count++;
    if (isFull()) return true;
    const kv = keysOnly ? bare(source, key, point, history) : existing(source, point);
    kvs.push(kv);
    sliceBytes += kv.length;
    return sliceBytes < limits.valueBytesMax;
  };
  if (range.single) {
    const history = index.get(range.from);
    const point = history === undefined ? undefined : index.at(history, revision);
    if (history !== undefined && point !== undefined) take(range.from, point, history);
    return { kvs, count };
  }
  for (let from: string | undefined = range.from; ; ) {
    const keysMax = isFull() || keysOnly ? limits.keysMax : limits.valuesMax;
    sliceBytes = 0;
    from = index.visitAt({ from, to: range.to }, { revision, keysMax }, take);
    if (from === undefined) return { kvs, count };
    yield;
  }
}

function existing(source: ReadSource, row: Revision): Uint8Array {
  return must(
    source.stored(row),
    `mvcc: revision ${row.main}.${row.sub} is in the index, not in the backend`,
  );
}

const noValue = new Uint8Array(0);

/** A KeyValue without its value. All of it is in memory, but for keys that were changed after the revision that is read. */
function bare(source: ReadSource, key: string, point: Point, history: KeyHistory): Uint8Array {
  if (point.main !== history.main || point.sub !== history.sub) return withoutValue(existing(source, point));
  return encodeKeyValue({
    key,
    createRevision: history.create,
    modRevision: history.main,
    version: history.version,
    value: noValue,
    lease: source.leaseOf(key),
  });
}
