import type { Encodable } from "../../../base/protobuf.ts";
import type { PutRequest, PutResponse } from "../../../proto/etcd.ts";
import type { PutAnswer } from "../../mvcc/txn.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkPut } from "./checks.ts";
import { checkQuota, putCostBytes } from "./quota.ts";

export async function put(
  request: PutRequest,
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<Encodable<PutResponse>> {
  checkPut(request);
  await checkQuota(putCostBytes(request), parts);
  const { response, revision } = await parts.proposer.propose("put", bytes);
  return { ...(response as PutAnswer), header: header(parts, revision) };
}
