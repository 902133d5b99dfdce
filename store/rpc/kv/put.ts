import { type PutRequest, putResponse } from "../../../proto/etcd.ts";
import { putBytes } from "../../apply/quota.ts";
import type { ApplyResponse } from "../../apply/types.ts";
import type { PutAnswer } from "../../mvcc/put.ts";
import type { Call, UnaryAnswer } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { refuseBeyondQuota } from "../refuse-beyond-quota.ts";
import { AnswerApplied } from "./answer-applied.ts";
import { checkPut } from "./checks.ts";

export function put(
  request: PutRequest,
  bytes: Uint8Array,
  { parts, call, out }: { readonly parts: MemberParts; readonly call: Call; readonly out: UnaryAnswer },
): void {
  checkPut(request);
  if (!parts.quota.allows(putBytes(request))) {
    refuseBeyondQuota(parts).catch((error: unknown) => out.fail(error));
    return;
  }
  const outcome = new AnswerApplied(parts, out, encodeAnswer);
  if (!parts.access.isOn) parts.proposer.submit("put", bytes, request, outcome);
  else
    parts.access.whoAsks(call).then(
      (by) => parts.proposer.submit("put", bytes, request, outcome, by),
      (error: unknown) => out.fail(error),
    );
}

function encodeAnswer(response: ApplyResponse, revision: number, parts: MemberParts): Uint8Array {
  const { prevKv } = response as PutAnswer;
  return prevKv === undefined
    ? parts.headerBytes.at(revision)
    : putResponse.encode({ header: header(parts, revision), prevKv });
}
