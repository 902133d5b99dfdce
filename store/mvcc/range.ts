import { atOnce, type Sliced } from "../../base/slices.ts";
import { latin1 } from "../../base/wire.ts";
import type { RangeRequest } from "../../proto/etcd.ts";
import type { Span } from "./key-index.ts";
import { decodeKeyValue, type KeyValueParts, withoutValue } from "./key-value.ts";
import type { Found, KeyOptions, KeyRange, ReadOptions, SliceLimits } from "./read.ts";
import { sorted } from "./sorted.ts";

/** A RangeResponse whose values are stored bytes; `rangeResponse.encode` takes it as it is. */
export interface RangeAnswer {
  readonly header: { readonly revision: number };
  readonly kvs: readonly Uint8Array[];
  /** In place of `kvs`, where the caller takes packed keys: the answer's field `kvs` in pieces. */
  readonly packed?: readonly Uint8Array[];
  readonly more: boolean;
  readonly count: number;
}

/** A store, or a write transaction on it. */
export interface RangeSource {
  /** One key's stored KeyValue, or undefined where it does not exist. Throws StoreError. */
  readKey(key: Uint8Array, options: KeyOptions): Uint8Array | undefined;
  readParts(key: Uint8Array, options: KeyOptions): KeyValueParts | undefined;
  reading(span: Span, options: ReadOptions): Sliced<Found>;
  /** The newest revision that a read sees. */
  readonly readRevision: number;
  readonly limits: SliceLimits;
}

/** etcd's meaning of key and range_end: absent end is one key, a single zero byte is "to the end". */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const single = isOneKey({ rangeEnd });
  return single ? { single, from: key } : { single, ...spanOf({ key, rangeEnd }) };
}

/** The keys of a request that is not for one key (`isOneKey`). */
export function spanOf({ key, rangeEnd }: Pick<RangeRequest, "key" | "rangeEnd">): Span {
  return { from: key, to: rangeEnd.length === 1 && rangeEnd[0] === 0 ? undefined : rangeEnd };
}

/** The same range of byte strings. */
export function asByteStrings(range: KeyRange): KeyRange<string> {
  const from = latin1(range.from);
  if (range.single) return { single: true, from };
  return { single: false, from, to: range.to === undefined ? undefined : latin1(range.to) };
}

/** Answers a range request without a pause. Throws StoreError (COMPACTED, FUTURE_REVISION). */
export function executeRange(source: RangeSource, request: RangeRequest): RangeAnswer {
  return atOnce(answerRange(source, request));
}

/** Whether a request is for one key, not for a span. */
export const isOneKey = ({ rangeEnd }: Pick<RangeRequest, "rangeEnd">): boolean => rangeEnd.length === 0;

/** Answers a request for one key. Throws StoreError. */
export function answerKey(source: RangeSource, request: RangeRequest): RangeAnswer {
  const { countOnly } = request;
  const header = { revision: source.readRevision };
  const keysOnly = request.keysOnly || countOnly;
  const kv = source.readKey(request.key, { revision: request.revision, keysOnly });
  if (kv === undefined) return { header, kvs: none, more: false, count: 0 };
  const isWanted = !countOnly && (!isFiltered(request) || passes(decodeKeyValue(kv), request));
  return { header, kvs: isWanted ? [kv] : none, more: false, count: 1 };
}

const none: readonly Uint8Array[] = [];

/** Answers a range request. Throws StoreError before the first pause.
 *  @param takes Whether `packed` is understood. */
export function* answerRange(
  source: RangeSource,
  request: RangeRequest,
  takes: "items" | "packed" = "items",
): Sliced<RangeAnswer> {
  if (isOneKey(request)) return answerKey(source, request);
  if (takes === "packed" && isPackable(request)) return yield* answerPacked(source, request);
  const { readRevision: revision, limits } = source;
  const { limit, countOnly, keysOnly } = request;
  const filters = isFiltered(request);
  // Sorting and filtering need everything; the limit cuts what is left.
  const all = filters || request.sortOrder !== "NONE";
  const readsValues = !keysOnly || (request.sortTarget === "VALUE" && needsSort(request));
  const found = yield* source.reading(spanOf(request), {
    revision: request.revision,
    limit: all || limit <= 0 ? 0 : limit + 1,
    countOnly,
    keysOnly: !readsValues,
  });
  const header = { revision };
  if (countOnly) return { header, kvs: [], more: false, count: found.count };
  let { kvs } = found;
  if (filters || needsSort(request)) kvs = yield* filterAndSort(kvs, request, limits.keysMax);
  const more = limit > 0 && kvs.length > limit;
  if (more) kvs = kvs.slice(0, limit);
  if (keysOnly && readsValues) kvs = yield* withoutValues(kvs, limits.keysMax);
  return { header, kvs, more, count: found.count };
}

/** Answers the first keys of a range in their order, as many as the limit says, or fewer that together reach `bytesMax`; `count` is
 *  how many these are. Throws StoreError before the first pause.
 *  @param request Without filters, and with a limit above 0. */
export function* answerChunk(
  source: RangeSource,
  request: RangeRequest,
  bytesMax: number,
): Sliced<RangeAnswer> {
  if (isOneKey(request)) return answerKey(source, request);
  const { readRevision: revision } = source;
  const { limit, keysOnly } = request;
  const options = { revision: request.revision, limit, countOnly: false, keysOnly, chunkBytesMax: bytesMax };
  const { kvs, count } = yield* source.reading(spanOf(request), options);
  return { header: { revision }, kvs, more: count > kvs.length, count: kvs.length };
}

/** Keys alone, as they come. */
function isPackable(request: RangeRequest): boolean {
  return request.keysOnly && !request.countOnly && !isFiltered(request) && !needsSort(request);
}

function* answerPacked(source: RangeSource, request: RangeRequest): Sliced<RangeAnswer> {
  const { readRevision: revision } = source;
  const limit = Math.max(0, request.limit);
  const options = { revision: request.revision, limit, countOnly: false, keysOnly: true, packs: true };
  const { kvs, packed, count } = yield* source.reading(spanOf(request), options);
  return { header: { revision }, kvs, ...(packed && { packed }), more: limit > 0 && count > limit, count };
}

function needsSort(request: RangeRequest): boolean {
  return request.sortTarget !== "KEY" || request.sortOrder === "DESCEND";
}

interface Item {
  readonly stored: Uint8Array;
  readonly kv: KeyValueParts;
}

function* filterAndSort(
  kvs: readonly Uint8Array[],
  request: RangeRequest,
  sliceMax: number,
): Sliced<readonly Uint8Array[]> {
  let items: Item[] = [];
  for (const [at, stored] of kvs.entries()) {
    if (at > 0 && at % sliceMax === 0) yield;
    const item = { stored, kv: decodeKeyValue(stored) };
    if (passes(item.kv, request)) items.push(item);
  }
  if (needsSort(request)) {
    const { sortTarget } = request;
    // The checks of requests let no unknown target through.
    const compare = typeof sortTarget === "number" ? comparators.KEY : comparators[sortTarget];
    const sign = request.sortOrder === "DESCEND" ? -1 : 1;
    items = yield* sorted(items, (a, b) => sign * compare(a.kv, b.kv), sliceMax);
  }
  return items.map(({ stored }) => stored);
}

function* withoutValues(kvs: readonly Uint8Array[], sliceMax: number): Sliced<readonly Uint8Array[]> {
  const out: Uint8Array[] = [];
  for (const stored of kvs) {
    out.push(withoutValue(stored));
    if (out.length % sliceMax === 0) yield;
  }
  return out;
}

/** Whether keys are left out for their revisions. */
export function isFiltered(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
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
  KEY: (a, b) => Buffer.compare(a.key, b.key),
  VERSION: (a, b) => a.version - b.version,
  CREATE: (a, b) => a.createRevision - b.createRevision,
  MOD: (a, b) => a.modRevision - b.modRevision,
  VALUE: (a, b) => Buffer.compare(a.value, b.value),
};
