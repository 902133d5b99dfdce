import type { CompactionRequest, ResponseHeader } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function compact(
  _request: CompactionRequest,
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<{ readonly header: ResponseHeader }> {
  await parts.proposer.propose("compaction", bytes);
  return { header: header(parts) };
}
