import type { Buckets } from "../../../base/os/tally.ts";
import { type RequestOp, type TxnRequest, txnResponse } from "../../../proto/etcd.ts";
import { txnBytes } from "../../apply/quota.ts";
import type { ApplyResponse } from "../../apply/types.ts";
import type { TxnAnswer } from "../../mvcc/branch.ts";
import { type SlowRequest, txnText } from "../../slow-applies.ts";
import type { Call, UnaryAnswer } from "../handler.ts";
import type { MemberParts } from "../member.ts";
import { settle } from "../promised-answer.ts";
import { refuseBeyondQuota } from "../refuse-beyond-quota.ts";
import { AnswerApplied } from "./answer-applied.ts";
import { checkTxn } from "./checks.ts";
import { checkIntervals } from "./intervals.ts";

export function txn(
  request: TxnRequest,
  bytes: Uint8Array,
  { parts, call, out }: { readonly parts: MemberParts; readonly call: Call; readonly out: UnaryAnswer },
): void {
  checkTxn(request, parts.limits.maxTxnOps);
  checkIntervals(request.success);
  checkIntervals(request.failure);
  if (isReadOnly(request)) settle(timed(request, parts, call), out);
  else if (!parts.quota.allows(txnBytes(request)))
    refuseBeyondQuota(parts).catch((error: unknown) => out.fail(error));
  else {
    const outcome = new AnswerApplied(parts, out, encodeAnswer);
    if (!parts.access.isOn) parts.proposer.submit("txn", bytes, request, outcome);
    else
      parts.access.whoAsks(call).then(
        (by) => parts.proposer.submit("txn", bytes, request, outcome, by),
        (error: unknown) => out.fail(error),
      );
  }
}

async function timed(request: TxnRequest, parts: MemberParts, call: Call): Promise<Uint8Array> {
  const { readonlyTxns } = parts.metrics;
  const beganMs = call.tookMs === undefined ? parts.clock.monotonicMs() : 0;
  const tookMs = () => call.tookMs?.() ?? parts.clock.monotonicMs() - beganMs;
  try {
    const answer = await readOnly(request, parts, call);
    tellTime(readonlyTxns.succeeded, request, { parts, tookMs: tookMs(), response: `size:${answer.length}` });
    return answer;
  } catch (error) {
    tellTime(readonlyTxns.failed, request, { parts, tookMs: tookMs(), error });
    throw error;
  }
}

function tellTime(
  times: Buckets,
  request: TxnRequest,
  { parts: { slowApplies }, tookMs, ...outcome }: Pick<SlowRequest, "response" | "error"> & Measured,
): void {
  times.observe(tookMs / 1_000);
  if (tookMs > slowApplies.warningMs)
    slowApplies.tell(tookMs, { prefix: "read-only txn ", request: txnText(request), ...outcome });
}

interface Measured {
  readonly parts: MemberParts;
  readonly tookMs: number;
}

async function readOnly(request: TxnRequest, parts: MemberParts, call: Call): Promise<Uint8Array> {
  if (!isSerializable(request)) await parts.reads.ready();
  await call.roomForAnswer?.();
  const { access } = parts;
  const who = access.isOn ? await access.askerOf(call) : undefined;
  if (who !== undefined) access.rights.txn(request, who);
  const answer = await parts.state.storedReadOnlyTxn(request, () => call.roomForLargeAnswer?.());
  access.requireCurrent(who);
  return encodeAnswer(answer, answer.header.revision ?? parts.state.revision, parts);
}

function encodeAnswer(response: ApplyResponse, revision: number, parts: MemberParts): Uint8Array {
  const { succeeded, responses } = response as TxnAnswer;
  return txnResponse.encode({ header: parts.headerBytes.message(revision), succeeded, responses });
}

/** Only plain ranges; a transaction in a transaction goes through the log, as etcd's does. */
function isReadOnly(request: TxnRequest): boolean {
  return request.success.every(isRange) && request.failure.every(isRange);
}

const isRange = (op: RequestOp) => op.requestRange !== undefined;

function isSerializable(request: TxnRequest): boolean {
  return [...request.success, ...request.failure].every((op) => op.requestRange?.serializable === true);
}
