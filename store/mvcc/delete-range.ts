import { type Sliced, type Soon, Unfinished } from "../../base/slices.ts";
import type { DeleteRangeRequest } from "../../proto/etcd.ts";
import type { WriteTransaction } from "./mvcc-store.ts";
import { isOneKey, spanOf } from "./range.ts";
import { newest } from "./read.ts";

/** A DeleteRangeResponse with stored bytes; `deleteRangeResponse.encode` takes it as it is. */
export interface DeleteRangeAnswer {
  readonly header: { readonly revision: number };
  readonly deleted: number;
  readonly prevKvs: readonly Uint8Array[];
}

export function executeDeleteRange(
  txn: WriteTransaction,
  request: DeleteRangeRequest,
): Soon<DeleteRangeAnswer> {
  return isOneKey(request) ? deleteKey(txn, request) : new Unfinished(deleteSpan(txn, request));
}

const none: readonly Uint8Array[] = [];

/** Deletes the key that a request for one key names. */
export function deleteKey(txn: WriteTransaction, { key, prevKv }: DeleteRangeRequest): DeleteRangeAnswer {
  const stored = prevKv ? txn.readKey(key, newest) : undefined;
  const deleted = txn.deleteKey(key);
  const prevKvs = stored === undefined ? none : [stored];
  return { header: { revision: txn.readRevision }, deleted, prevKvs };
}

/** Deletes the keys of a request's span. */
export function* deleteSpan(txn: WriteTransaction, request: DeleteRangeRequest): Sliced<DeleteRangeAnswer> {
  const span = spanOf(request);
  const prevKvs = request.prevKv ? (yield* txn.reading(span, newest)).kvs : none;
  const deleted = yield* txn.deleteSpan(span);
  return { header: { revision: txn.readRevision }, deleted, prevKvs };
}
