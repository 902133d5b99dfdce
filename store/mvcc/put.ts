import type { PutRequest } from "../../proto/etcd.ts";
import { StoreError } from "../errors.ts";
import { decodeKeyValue } from "./key-value.ts";
import type { WriteTransaction } from "./mvcc-store.ts";
import { newest, newestBare } from "./read.ts";

/** A PutResponse with stored bytes; `putResponse.encode` takes it as it is. */
export interface PutAnswer {
  readonly header: { readonly revision: number };
  readonly prevKv: Uint8Array | undefined;
}

/** Answers whether a lease exists. */
export type LeaseExists = (lease: bigint) => boolean;

/** Throws LEASE_NOT_FOUND or KEY_NOT_FOUND, having changed nothing. */
export function executePut(txn: WriteTransaction, request: PutRequest, leaseExists: LeaseExists): PutAnswer {
  checkLease(request, leaseExists);
  checkKeyExists(txn, request);
  return putChecked(txn, request);
}

/** Throws LEASE_NOT_FOUND. */
export function checkLease({ lease }: PutRequest, leaseExists: LeaseExists): void {
  if (lease !== 0n && !leaseExists(lease)) throw new StoreError("LEASE_NOT_FOUND", { lease });
}

/** Throws KEY_NOT_FOUND where the request wants something of the key kept. */
export function checkKeyExists(txn: WriteTransaction, request: PutRequest): void {
  if (!request.ignoreValue && !request.ignoreLease) return;
  if (txn.readParts(request.key, newestBare) === undefined) throw new StoreError("KEY_NOT_FOUND");
}

/** A put that both checks let pass. */
export function putChecked(txn: WriteTransaction, request: PutRequest): PutAnswer {
  const { key } = request;
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
