import type { PutRequest, RequestOp, TxnRequest } from "../../../proto/etcd.ts";
import { StoreError } from "../../errors.ts";
import type { MemberParts } from "../member.ts";

/** What etcd reckons a key, and a lease, to take beside their bytes. */
const keyOverheadBytes = 256;
export const leaseCostBytes = 64;

export const putCostBytes = (request: PutRequest): number =>
  keyOverheadBytes + request.key.length + request.value.length;

/** The costlier branch. */
export function txnCostBytes(request: TxnRequest): number {
  return Math.max(opsCostBytes(request.success), opsCostBytes(request.failure));
}

function opsCostBytes(ops: readonly RequestOp[]): number {
  let sum = 0;
  for (const op of ops) {
    if (op.requestPut) sum += putCostBytes(op.requestPut);
    else if (op.requestTxn) sum += txnCostBytes(op.requestTxn);
  }
  return sum;
}

/** Whether a request that costs so much has room. */
export function fitsQuota(costBytes: number, parts: MemberParts): boolean {
  const { quotaBytes } = parts.limits;
  return costBytes === 0 || quotaBytes === 0 || parts.state.sizeBytes + costBytes < quotaBytes;
}

/** Raises the alarm that stops the whole cluster from growing; rejects with NO_SPACE. */
export async function refuseBeyondQuota(parts: MemberParts): Promise<never> {
  const raised = parts
    .alarms()
    .some((alarm) => alarm.memberId === parts.memberId && alarm.alarm === "NOSPACE");
  if (!raised)
    await parts.proposer.propose("alarm", { action: "ACTIVATE", memberId: parts.memberId, alarm: "NOSPACE" });
  throw new StoreError("NO_SPACE");
}
