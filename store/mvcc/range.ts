import { latin1 } from "../../base/wire.ts";
import type { RangeRequest } from "../../proto/etcd.ts";
import { decodeKeyValue, type KeyValueParts, withoutValue } from "./key-value.ts";
import type { KeyRange, ReadOptions } from "./mvcc-store.ts";

/** A RangeResponse whose values are stored bytes; `rangeResponse.encode` takes it as it is. */
export interface RangeAnswer {
  readonly header: { readonly revision: number };
  readonly kvs: readonly Uint8Array[];
  readonly more: boolean;
  readonly count: number;
}

/** A store, or a write transaction on it. */
export interface RangeSource {
  read(range: KeyRange, options: ReadOptions): { kvs: Uint8Array[]; count: number };
  readonly revision: number;
}

/** etcd's meaning of key and range_end: absent end is one key, a single zero byte is "to the end". */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = latin1(key);
  if (rangeEnd.length === 0) return { single: true, from };
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { single: false, from, to: undefined };
  return { single: false, from, to: latin1(rangeEnd) };
}

/** Answers a range request. Throws StoreError (COMPACTED, FUTURE_REVISION). */
export function executeRange(source: RangeSource, request: RangeRequest): RangeAnswer {
  const range = keyRange(request.key, request.rangeEnd);
  const filtered =
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0;
  // Sorting and filtering need everything; the limit cuts what is left.
  const all = filtered || request.sortOrder !== "NONE";
  const found = source.read(range, {
    revision: request.revision,
    limit: all || request.limit <= 0 ? 0 : request.limit + 1,
    countOnly: request.countOnly,
  });
  let kvs: readonly Uint8Array[] = found.kvs;
  const header = { revision: source.revision };
  if (request.countOnly) return { header, kvs: [], more: false, count: found.count };
  if (filtered || needsSort(request)) kvs = filterAndSort(kvs, request, filtered);
  const more = request.limit > 0 && kvs.length > request.limit;
  if (more) kvs = kvs.slice(0, request.limit);
  if (request.keysOnly) kvs = kvs.map(withoutValue);
  return { header, kvs, more, count: found.count };
}

function needsSort(request: RangeRequest): boolean {
  return request.sortTarget !== "KEY" || request.sortOrder === "DESCEND";
}

interface Item {
  readonly stored: Uint8Array;
  readonly kv: KeyValueParts;
}

function filterAndSort(
  kvs: readonly Uint8Array[],
  request: RangeRequest,
  filtered: boolean,
): readonly Uint8Array[] {
  let items: Item[] = kvs.map((stored) => ({ stored, kv: decodeKeyValue(stored) }));
  if (filtered) items = items.filter(({ kv }) => passes(kv, request));
  if (needsSort(request)) {
    const { sortTarget } = request;
    // The checks of requests let no unknown target through.
    const compare = typeof sortTarget === "number" ? comparators.KEY : comparators[sortTarget];
    const sign = request.sortOrder === "DESCEND" ? -1 : 1;
    items.sort((a, b) => sign * compare(a.kv, b.kv));
  }
  return items.map(({ stored }) => stored);
}

function passes(kv: KeyValueParts, request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    (minModRevision === 0 || kv.modRevision >= minModRevision) &&
    (maxModRevision === 0 || kv.modRevision <= maxModRevision) &&
    (minCreateRevision === 0 || kv.createRevision >= minCreateRevision) &&
    (maxCreateRevision === 0 || kv.createRevision <= maxCreateRevision)
  );
}

type Comparator = (a: KeyValueParts, b: KeyValueParts) => number;
const comparators: Readonly<Record<Exclude<RangeRequest["sortTarget"], number>, Comparator>> = {
  KEY: (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  VERSION: (a, b) => a.version - b.version,
  CREATE: (a, b) => a.createRevision - b.createRevision,
  MOD: (a, b) => a.modRevision - b.modRevision,
  VALUE: (a, b) => Buffer.compare(a.value, b.value),
};
