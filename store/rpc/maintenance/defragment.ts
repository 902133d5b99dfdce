import type { ResponseHeader } from "../../../proto/etcd.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** Of this member only. */
export async function defragment(parts: MemberParts): Promise<{ readonly header: ResponseHeader }> {
  await parts.maintenance.defragment();
  return { header: header(parts) };
}
