import type { CompactionRequest, ResponseHeader } from "../../../proto/etcd.ts";
import type { CompactionAnswer } from "../../apply/apply-request.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function compact(
  request: CompactionRequest,
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<{ readonly header: ResponseHeader }> {
  const { response } = await parts.proposer.propose("compaction", bytes);
  if (request.physical) await (response as CompactionAnswer).removed;
  return { header: header(parts) };
}
