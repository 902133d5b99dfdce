import type { Encodable } from "../../../base/protobuf.ts";
import type { DeleteRangeRequest, DeleteRangeResponse } from "../../../proto/etcd.ts";
import type { DeleteRangeAnswer } from "../../mvcc/txn.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { checkDeleteRange } from "./checks.ts";

export async function deleteRange(
  request: DeleteRangeRequest,
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<Encodable<DeleteRangeResponse>> {
  checkDeleteRange(request);
  const { response, revision } = await parts.proposer.propose("deleteRange", bytes);
  return { ...(response as DeleteRangeAnswer), header: header(parts, revision) };
}
