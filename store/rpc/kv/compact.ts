import type { CompactionRequest, ResponseHeader } from "../../../proto/etcd.ts";
import type { CompactionAnswer } from "../../apply/apply-request.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function compact(
  request: CompactionRequest,
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<{ readonly header: ResponseHeader }> {
  await parts.access.requireRoot(call);
  const { response } = await parts.proposer.propose("compaction", bytes);
  if (request.physical) await (response as CompactionAnswer).removed;
  return { header: header(parts) };
}
