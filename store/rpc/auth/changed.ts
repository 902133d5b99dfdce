import type { InternalRaftRequestParts, ResponseHeader } from "../../../proto/etcd.ts";
import type { AuthRequest } from "../../apply/apply-auth.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

/** A change of users or roles, whose rights are checked when it is applied. */
export async function changed<K extends AuthRequest["kind"]>(
  kind: K,
  body: InternalRaftRequestParts[K],
  { call, parts }: { readonly call: Call; readonly parts: MemberParts },
): Promise<{ readonly header: ResponseHeader }> {
  const by = await parts.access.whoAsks(call);
  const { revision } = await parts.proposer.propose(kind, body, { by });
  return { header: header(parts, revision) };
}
