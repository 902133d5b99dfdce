import type { LeaseGrantRequest, PutRequest, RequestOp, TxnRequest } from "../../proto/etcd.ts";
import { StoreError } from "../errors.ts";
import type { Alarms } from "./alarms.ts";
import type { StoreRequest } from "./apply-request.ts";

/** etcd's estimate of what a request adds to the database. */
const overheadBytes = { keyValue: 256, lease: 64 } as const;

export interface Quota {
  /** Bytes; 0 or less: no quota. */
  readonly limitBytes: number;
  readonly usedBytes: number;
}

export function quotaAllows(quota: Quota, addedBytes: number): boolean {
  return quota.limitBytes <= 0 || quota.usedBytes + addedBytes < quota.limitBytes;
}

/** What a request may add, or 0 for one that needs no space. */
export function addedBytes(request: StoreRequest): number {
  switch (request.kind) {
    case "put":
      return putBytes(request.body);
    case "txn":
      return txnBytes(request.body);
    case "leaseGrant":
      return leaseBytes(request.body);
    default:
      return 0;
  }
}

/** Throws CORRUPT or NO_SPACE when an alarm forbids the request. Alarms come through the log, so all members agree. */
export function refuseByAlarm(alarms: Alarms, kind: StoreRequest["kind"], addedBytes: number): void {
  if (alarms.isEmpty) return;
  if (corruptRefuses.has(kind) && alarms.has("CORRUPT")) throw new StoreError("CORRUPT");
  if (addedBytes > 0 && alarms.has("NOSPACE")) throw new StoreError("NO_SPACE");
}

const corruptRefuses: ReadonlySet<StoreRequest["kind"]> = new Set([
  "put",
  "range",
  "deleteRange",
  "txn",
  "compaction",
  "leaseGrant",
  "leaseRevoke",
]);

export function putBytes(request: PutRequest): number {
  return overheadBytes.keyValue + request.key.length + request.value.length;
}

function leaseBytes(_request: LeaseGrantRequest): number {
  return overheadBytes.lease;
}

/** The dearer of the two branches. */
export function txnBytes(request: TxnRequest): number {
  return Math.max(branchBytes(request.success), branchBytes(request.failure));
}

function branchBytes(ops: readonly RequestOp[]): number {
  let bytes = 0;
  for (const op of ops) bytes += opBytes(op);
  return bytes;
}

function opBytes(op: RequestOp): number {
  if (op.requestPut !== undefined) return putBytes(op.requestPut);
  return op.requestTxn === undefined ? 0 : txnBytes(op.requestTxn);
}
