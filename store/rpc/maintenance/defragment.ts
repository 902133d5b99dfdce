import type { MemberParts } from "../member.ts";

/** Of this member only. Answered without a header, as by etcd. */
export async function defragment(parts: MemberParts): Promise<Record<string, never>> {
  await parts.maintenance.defragment();
  return {};
}
