import type { Sliced } from "../../base/slices.ts";
import type { Compare, DeleteRangeRequest, PutRequest, RangeRequest, TxnRequest } from "../../proto/etcd.ts";
import { StoreError } from "../errors.ts";
import type { Span } from "./key-index.ts";
import { decodeKeyValue, type KeyValueParts } from "./key-value.ts";
import type { MvccStore, WriteTransaction } from "./mvcc-store.ts";
import { answerRange, keyRange, type RangeAnswer, type RangeSource } from "./range.ts";
import type { KeyRange } from "./read.ts";

/** Responses of the API with stored bytes for values; the messages' `encode` take them as they are. */
export interface PutAnswer {
  readonly header: { readonly revision: number };
  readonly prevKv: Uint8Array | undefined;
}
export interface DeleteRangeAnswer {
  readonly header: { readonly revision: number };
  readonly deleted: number;
  readonly prevKvs: readonly Uint8Array[];
}
export interface TxnAnswer {
  readonly header: { readonly revision?: number };
  readonly succeeded: boolean;
  readonly responses: readonly OpAnswer[];
}
export type OpAnswer =
  | { readonly responseRange: RangeAnswer }
  | { readonly responsePut: PutAnswer }
  | { readonly responseDeleteRange: DeleteRangeAnswer }
  | { readonly responseTxn: TxnAnswer };

/** Answers whether a lease exists. */
export type LeaseExists = (lease: bigint) => boolean;

const newest = { revision: 0, limit: 0, countOnly: false, keysOnly: false } as const;
const newestBare = { ...newest, keysOnly: true } as const;

/** Throws LEASE_NOT_FOUND or KEY_NOT_FOUND, having changed nothing. */
export function executePut(txn: WriteTransaction, request: PutRequest, leaseExists: LeaseExists): PutAnswer {
  const { key } = request;
  checkLease(request, leaseExists);
  checkKeyExists(txn, request);
  let { value, lease } = request;
  let prevKv: Uint8Array | undefined;
  if (request.prevKv || request.ignoreValue || request.ignoreLease) {
    const stored = txn.readKey(key, newest);
    if (request.prevKv) prevKv = stored;
    if (stored !== undefined && (request.ignoreValue || request.ignoreLease)) {
      const before = decodeKeyValue(stored);
      if (request.ignoreValue) value = before.value;
      if (request.ignoreLease) lease = before.lease;
    }
  }
  txn.put(key, value, lease);
  return { header: { revision: txn.revision }, prevKv };
}

export function* executeDeleteRange(
  txn: WriteTransaction,
  request: DeleteRangeRequest,
): Sliced<DeleteRangeAnswer> {
  const range = keyRange(request.key, request.rangeEnd);
  const prevKvs = request.prevKv ? yield* storedIn(txn, range) : [];
  const deleted = yield* txn.delete(range);
  return { header: { revision: txn.readRevision }, deleted, prevKvs };
}

function* storedIn(txn: WriteTransaction, range: KeyRange): Sliced<readonly Uint8Array[]> {
  if (!range.single) return (yield* txn.reading(range, newest)).kvs;
  const stored = txn.readKey(range.from, newest);
  return stored === undefined ? [] : [stored];
}

/** Compares, then does one branch, all or nothing. Throws StoreError having changed nothing. */
export function* executeTxn(
  txn: WriteTransaction,
  request: TxnRequest,
  leaseExists: LeaseExists,
): Sliced<TxnAnswer> {
  // All comparisons, nested ones included, see the state before any operation.
  const plan = yield* planTxn(txn, request);
  checkPlan(txn, plan, leaseExists);
  const answer = yield* runPlan(txn, plan, leaseExists);
  return { ...answer, header: { revision: txn.readRevision } };
}

/** A transaction of ranges only, on the store itself, all at one revision. Throws StoreError. */
export function* executeReadOnlyTxn(store: MvccStore, request: TxnRequest): Sliced<TxnAnswer> {
  const { revision } = store;
  const source = readsAt(store, revision);
  const succeeded = yield* allHold(source, request.compare);
  const responses: OpAnswer[] = [];
  let sliceBytes = 0;
  for (const { requestRange } of succeeded ? request.success : request.failure) {
    if (requestRange === undefined) throw new TypeError("a read-only transaction holds only ranges");
    store.checkRevisionInTxn(requestRange.revision, revision);
    const responseRange = yield* answerRange(source, requestRange);
    responses.push({ responseRange });
    for (const kv of responseRange.kvs) sliceBytes += kv.length;
    if (sliceBytes < source.limits.valueBytesMax) continue;
    yield;
    sliceBytes = 0;
  }
  return { header: { revision }, succeeded, responses };
}

/** The store as it is at a revision, for reads that pause. */
function readsAt(store: MvccStore, revision: number): RangeSource {
  const { limits } = store;
  return {
    readRevision: revision,
    limits,
    readKey: (key, options) => store.readKey(key, options, revision),
    readParts: (key, options) => store.readParts(key, options, revision),
    reading: (span, options) => store.reading(span, options, revision),
  };
}

/** True when every operation of both branches is a range, so that the request need not enter the log. */
export function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((op) => op.requestRange !== undefined);
}

interface Plan {
  readonly succeeded: boolean;
  readonly ops: readonly (
    | { readonly range: RangeRequest }
    | { readonly put: PutRequest }
    | { readonly deleteRange: DeleteRangeRequest }
    | { readonly txn: Plan }
  )[];
}

function* planTxn(source: Reader, request: TxnRequest): Sliced<Plan> {
  const succeeded = yield* allHold(source, request.compare);
  const ops: Plan["ops"][number][] = [];
  for (const op of succeeded ? request.success : request.failure) {
    if (op.requestRange !== undefined) ops.push({ range: op.requestRange });
    else if (op.requestPut !== undefined) ops.push({ put: op.requestPut });
    else if (op.requestDeleteRange !== undefined) ops.push({ deleteRange: op.requestDeleteRange });
    else if (op.requestTxn !== undefined) ops.push({ txn: yield* planTxn(source, op.requestTxn) });
    // An empty operation does nothing and answers nothing.
  }
  return { succeeded, ops };
}

/** What can fail must fail before anything is changed: all puts first, then all ranges, as in etcd. */
function checkPlan(txn: WriteTransaction, plan: Plan, leaseExists: LeaseExists): void {
  checkPuts(txn, plan, leaseExists);
  checkRanges(txn, plan);
}

function checkPuts(txn: WriteTransaction, plan: Plan, leaseExists: LeaseExists): void {
  for (const op of plan.ops) {
    if ("txn" in op) checkPuts(txn, op.txn, leaseExists);
    if (!("put" in op)) continue;
    // In this order, which is not that of a put on its own: which error a client sees is part of the contract.
    checkKeyExists(txn, op.put);
    checkLease(op.put, leaseExists);
  }
}

function checkRanges(txn: WriteTransaction, plan: Plan): void {
  for (const op of plan.ops) {
    if ("range" in op) txn.checkRevision(op.range.revision);
    else if ("txn" in op) checkRanges(txn, op.txn);
  }
}

function checkKeyExists(txn: WriteTransaction, request: PutRequest): void {
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (txn.readParts(request.key, newestBare) === undefined) throw new StoreError("KEY_NOT_FOUND");
}

function checkLease(request: PutRequest, leaseExists: LeaseExists): void {
  if (request.lease !== 0n && !leaseExists(request.lease))
    throw new StoreError("LEASE_NOT_FOUND", { lease: request.lease });
}

function* runPlan(txn: WriteTransaction, plan: Plan, leaseExists: LeaseExists): Sliced<TxnAnswer> {
  const responses: OpAnswer[] = [];
  for (const op of plan.ops) {
    if ("range" in op) responses.push({ responseRange: yield* answerRange(txn, op.range) });
    else if ("put" in op) responses.push({ responsePut: executePut(txn, op.put, leaseExists) });
    else if ("deleteRange" in op)
      responses.push({ responseDeleteRange: yield* executeDeleteRange(txn, op.deleteRange) });
    else responses.push({ responseTxn: yield* runPlan(txn, op.txn, leaseExists) });
  }
  return { header: {}, succeeded: plan.succeeded, responses };
}

type Reader = Pick<RangeSource, "readParts" | "reading" | "limits">;

function* allHold(source: Reader, compares: readonly Compare[]): Sliced<boolean> {
  for (const compare of compares) {
    const range = keyRange(compare.key, compare.rangeEnd);
    if (!(range.single ? holdsForKey(source, compare) : yield* holdsInSpan(source, compare, range)))
      return false;
  }
  return true;
}

const optionsOf = ({ target }: Compare) => (target === "VALUE" ? newest : newestBare);

function holdsForKey(source: Reader, compare: Compare): boolean {
  const kv = source.readParts(compare.key, optionsOf(compare));
  return kv === undefined ? holdsForNone(compare) : holds(compare, kv);
}

function* holdsInSpan(source: Reader, compare: Compare, span: Span): Sliced<boolean> {
  const { kvs } = yield* source.reading(span, optionsOf(compare));
  if (kvs.length === 0) return holdsForNone(compare);
  for (const [at, stored] of kvs.entries()) {
    if (at > 0 && at % source.limits.keysMax === 0) yield;
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
