import type { PutRequest, RequestOp, TxnRequest } from "../../proto/etcd.ts";
import type { StoreRequest } from "./apply-request.ts";

/** How much the database may hold. It is asked before a request enters the log, and again when it is applied. */
export class Quota {
  /** 0 or less: no quota. */
  readonly limitBytes: number;
  readonly #usedBytes: () => number;

  constructor(limitBytes: number, usedBytes: () => number) {
    this.limitBytes = limitBytes;
    this.#usedBytes = usedBytes;
  }

  /** Whether there is room for what a request may add; what adds nothing needs none. */
  allows(addedBytes: number): boolean {
    return addedBytes === 0 || this.limitBytes <= 0 || this.#usedBytes() + addedBytes < this.limitBytes;
  }
}

/** What etcd reckons a key, and a lease, to take beside their bytes. */
const keyValueBytes = 256;
export const leaseBytes = 64;

/** What a request may add to the database, by etcd's estimate; 0: it needs no space. */
export function addedBytes(request: StoreRequest): number {
  switch (request.kind) {
    case "put":
      return putBytes(request.body);
    case "txn":
      return txnBytes(request.body);
    case "leaseGrant":
      return leaseBytes;
    default:
      return 0;
  }
}

export function putBytes(request: PutRequest): number {
  return keyValueBytes + request.key.length + request.value.length;
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
