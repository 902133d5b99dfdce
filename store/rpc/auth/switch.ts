import type { AuthStatusResponse } from "../../../proto/etcd-auth.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { changed } from "./changed.ts";

export const authEnable = (call: Call, parts: MemberParts) => changed("authEnable", {}, { call, parts });

export const authDisable = (call: Call, parts: MemberParts) => changed("authDisable", {}, { call, parts });

/** Everybody may know; a token that does not hold is refused all the same. */
export async function authStatus(call: Call, parts: MemberParts): Promise<AuthStatusResponse> {
  await parts.reads.ready();
  await parts.access.whoAsks(call);
  const { isOn, revision } = parts.auth.state;
  return { header: header(parts), enabled: isOn, authRevision: BigInt(revision) };
}
