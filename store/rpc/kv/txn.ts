import type { Encodable } from "../../../base/protobuf.ts";
import type { TxnRequest, TxnResponse } from "../../../proto/etcd.ts";
import type { TxnAnswer } from "../../mvcc/txn.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkTxn } from "./checks.ts";
import { checkIntervals } from "./intervals.ts";
import { checkQuota, txnCostBytes } from "./quota.ts";

export async function txn(
  request: TxnRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<Encodable<TxnResponse>> {
  checkTxn(request, parts.limits.maxTxnOps);
  checkIntervals(request.success);
  checkIntervals(request.failure);
  if (isReadOnly(request)) {
    if (!isSerializable(request)) await parts.reads.ready();
    await call.roomForAnswer?.();
    const answer = await parts.state.storedReadOnlyTxn(request, () => call.roomForLargeAnswer?.());
    return { ...answer, header: header(parts, answer.header.revision) };
  }
  await checkQuota(txnCostBytes(request), parts);
  const { response, revision } = await parts.proposer.propose("txn", bytes);
  return { ...(response as TxnAnswer), header: header(parts, revision) };
}

/** Only plain ranges; a transaction in a transaction goes through the log, as etcd's does. */
function isReadOnly(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((op) => op.requestRange !== undefined);
}

function isSerializable(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((op) => op.requestRange?.serializable === true);
}
