import type { ResponseHeader } from "../../../proto/etcd.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

export async function leaseRevoke(
  bytes: Uint8Array,
  { parts, call }: { readonly parts: MemberParts; readonly call: Call },
): Promise<{ readonly header: ResponseHeader }> {
  const { access, proposer } = parts;
  const by = await access.requireUser(call);
  const { revision } = await proposer.propose("leaseRevoke", bytes, { by });
  return { header: header(parts, revision) };
}
