import { StatusError } from "../../../base/grpc/status.ts";
import type {
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import { isFiltered } from "../../mvcc/range.ts";

/** etcd's checks of KV requests in etcd's order (v3rpc/key.go). Each throws StoreError. */
export function checkRange(request: RangeRequest): void {
  if (request.key.length === 0) throw new StoreError("EMPTY_KEY");
  // A number is what no name of ours stands for.
  if (typeof request.sortOrder === "number" || typeof request.sortTarget === "number")
    throw new StoreError("INVALID_SORT_OPTION");
}

/** A stream gives keys in their order, all that there are. Throws StatusError, too. */
export function checkRangeStream(request: RangeRequest): void {
  checkRange(request);
  const { sortOrder, sortTarget } = request;
  if (sortOrder !== "NONE" && (sortOrder !== "ASCEND" || sortTarget !== "KEY"))
    throw new StatusError("UNIMPLEMENTED", "RangeStream does not support custom sort orders");
  if (isFiltered(request))
    throw new StatusError("UNIMPLEMENTED", "RangeStream does not support revision filters");
}

export function checkPut(request: PutRequest): void {
  if (request.key.length === 0) throw new StoreError("EMPTY_KEY");
  if (request.ignoreValue && request.value.length !== 0) throw new StoreError("VALUE_PROVIDED");
  if (request.ignoreLease && request.lease !== 0n) throw new StoreError("LEASE_PROVIDED");
}

export function checkDeleteRange(request: DeleteRangeRequest): void {
  if (request.key.length === 0) throw new StoreError("EMPTY_KEY");
}

/** `opsMax` shrinks with each level of nesting by what the level above uses. */
export function checkTxn(request: TxnRequest, opsMax: number): void {
  const ops = Math.max(request.compare.length, request.success.length, request.failure.length);
  if (ops > opsMax) throw new StoreError("TOO_MANY_OPS");
  for (const compare of request.compare) if (compare.key.length === 0) throw new StoreError("EMPTY_KEY");
  for (const op of request.success) checkOp(op, opsMax - ops);
  for (const op of request.failure) checkOp(op, opsMax - ops);
}

function checkOp(op: RequestOp, opsMax: number): void {
  if (op.requestRange) checkRange(op.requestRange);
  else if (op.requestPut) checkPut(op.requestPut);
  else if (op.requestDeleteRange) checkDeleteRange(op.requestDeleteRange);
  else if (op.requestTxn) checkTxn(op.requestTxn, opsMax);
  else throw new StoreError("KEY_NOT_FOUND"); // etcd's word for an empty operation
}
