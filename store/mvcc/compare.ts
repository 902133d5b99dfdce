import type { Sliced } from "../../base/slices.ts";
import type { Compare } from "../../proto/etcd.ts";
import type { Span } from "./key-index.ts";
import { decodeKeyValue, type KeyValueParts } from "./key-value.ts";
import type { RangeSource } from "./range.ts";
import { newest, newestBare } from "./read.ts";

/** What a transaction compares with: the state before any of its operations. */
export type ComparedState = Pick<RangeSource, "readParts" | "reading" | "limits">;

const optionsOf = ({ target }: Compare) => (target === "VALUE" ? newest : newestBare);

/** Whether a comparison of one key holds. */
export function holdsForKey(state: ComparedState, compare: Compare): boolean {
  const kv = state.readParts(compare.key, optionsOf(compare));
  return kv === undefined ? holdsForNone(compare) : holds(compare, kv);
}

/** Whether a comparison holds for each key of a span. */
export function* holdsInSpan(state: ComparedState, compare: Compare, span: Span): Sliced<boolean> {
  const { kvs } = yield* state.reading(span, optionsOf(compare));
  if (kvs.length === 0) return holdsForNone(compare);
  for (const [at, stored] of kvs.entries()) {
    if (at > 0 && at % state.limits.keysMax === 0) yield;
    if (!holds(compare, decodeKeyValue(stored))) return false;
  }
  return true;
}

/** What is compared is missing: its numbers are zero, and no comparison of values holds. */
function holdsForNone(compare: Compare): boolean {
  return compare.target !== "VALUE" && holds(compare, missing);
}

const missing: KeyValueParts = {
  key: new Uint8Array(0),
  createRevision: 0,
  modRevision: 0,
  version: 0,
  value: new Uint8Array(0),
  lease: 0n,
};

function holds(compare: Compare, kv: KeyValueParts): boolean {
  const order = orderOf(compare, kv);
  switch (compare.result) {
    case "EQUAL":
      return order === 0;
    case "NOT_EQUAL":
      return order !== 0;
    case "GREATER":
      return order > 0;
    case "LESS":
      return order < 0;
    default:
      return true; // as in etcd, an unknown comparison holds
  }
}

/** Negative, zero or positive as the key's property is less than, equal to or greater than the given one. */
function orderOf(compare: Compare, kv: KeyValueParts): number {
  switch (compare.target) {
    case "VERSION":
      return kv.version - (compare.version ?? 0);
    case "CREATE":
      return kv.createRevision - (compare.createRevision ?? 0);
    case "MOD":
      return kv.modRevision - (compare.modRevision ?? 0);
    case "VALUE":
      return Buffer.compare(kv.value, compare.value ?? missing.value);
    case "LEASE": {
      const wanted = compare.lease ?? 0n;
      return kv.lease < wanted ? -1 : kv.lease > wanted ? 1 : 0;
    }
    default:
      return 0; // as in etcd, an unknown property equals whatever it is compared with
  }
}
