import type { ResponseHeader } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function leaseRevoke(
  bytes: Uint8Array,
  parts: MemberParts,
): Promise<{ readonly header: ResponseHeader }> {
  const { revision } = await parts.proposer.propose("leaseRevoke", bytes);
  return { header: header(parts, revision) };
}
