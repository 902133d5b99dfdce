import { type Sliced, type Soon, Unfinished } from "../../base/slices.ts";
import type { TxnRequest } from "../../proto/etcd.ts";
import { Branch, type OpAnswer, type TxnAnswer, toTheEnd } from "./branch.ts";
import type { MvccStore, WriteTransaction } from "./mvcc-store.ts";
import { checkKeyExists, checkLease, type LeaseExists } from "./put.ts";
import { answerRange, type RangeSource } from "./range.ts";

/** Compares, then does one branch, all or nothing. Throws StoreError having changed nothing. */
export function executeTxn(
  txn: WriteTransaction,
  request: TxnRequest,
  leaseExists: LeaseExists,
): Soon<TxnAnswer> {
  const branch = new Branch(request);
  const work = goOn(txn, branch, leaseExists);
  return work === undefined
    ? branch.answer({ revision: txn.readRevision })
    : new Unfinished(inSlices(txn, { branch, work, leaseExists }));
}

/** What takes slices next; undefined at the end. */
function goOn(txn: WriteTransaction, branch: Branch, leaseExists: LeaseExists): Sliced<void> | undefined {
  // All comparisons, nested ones included, see the state before any operation.
  const comparing = branch.compare(txn);
  if (comparing !== undefined) return comparing;
  // What can fail must fail before anything is changed.
  if (!branch.hasRun) check(txn, branch, leaseExists);
  return branch.run(txn);
}

function* inSlices(
  txn: WriteTransaction,
  run: { readonly branch: Branch; readonly work: Sliced<void>; readonly leaseExists: LeaseExists },
): Sliced<TxnAnswer> {
  const { branch, leaseExists } = run;
  yield* run.work;
  yield* toTheEnd(() => goOn(txn, branch, leaseExists));
  return branch.answer({ revision: txn.readRevision });
}

/** One operation after the other, as etcd since 3.5 does: which error a client sees is part of the contract. */
function check(txn: WriteTransaction, { ops, inner }: Branch, leaseExists: LeaseExists): void {
  let entered = 0;
  for (const { requestPut, requestRange, requestTxn } of ops) {
    if (requestPut !== undefined) {
      checkLease(requestPut, leaseExists);
      checkKeyExists(txn, requestPut);
    } else if (requestRange !== undefined) txn.checkRevision(requestRange.revision);
    else if (requestTxn !== undefined) check(txn, inner[entered++] as Branch, leaseExists);
  }
}

/** A transaction of ranges only, on the store itself, all at one revision. Throws StoreError. */
export function* executeReadOnlyTxn(store: MvccStore, request: TxnRequest): Sliced<TxnAnswer> {
  const { revision } = store;
  const source = readsAt(store, revision);
  const branch = new Branch(request);
  yield* toTheEnd(() => branch.compare(source));
  const responses: OpAnswer[] = [];
  let sliceBytes = 0;
  for (const { requestRange } of branch.ops) {
    if (requestRange === undefined) throw new TypeError("a read-only transaction holds only ranges");
    store.checkRevisionInTxn(requestRange.revision, revision);
    const responseRange = yield* answerRange(source, requestRange);
    responses.push({ responseRange });
    for (const kv of responseRange.kvs) sliceBytes += kv.length;
    if (sliceBytes < source.limits.valueBytesMax) continue;
    yield;
    sliceBytes = 0;
  }
  return { header: { revision }, succeeded: branch.succeeded, responses };
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
