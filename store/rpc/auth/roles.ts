import type { Of } from "../../../base/protobuf.ts";
import type { authRoleGetResponse, authRoleListResponse } from "../../../proto/etcd-auth.ts";
import type { authRoleGetRequest, Permission } from "../../../proto/etcd-auth-requests.ts";
import { rootName } from "../../auth/rights.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";

const everything: Permission = {
  permType: "READWRITE",
  key: new Uint8Array(0),
  rangeEnd: Uint8Array.of(0),
};

/** Users may know what their own roles allow. */
export async function roleGet(
  { role: name }: Of<typeof authRoleGetRequest>,
  call: Call,
  parts: MemberParts,
): Promise<Of<typeof authRoleGetResponse>> {
  await parts.reads.ready();
  const { state } = parts.auth;
  const who = await parts.access.askerOf(call);
  if (!state.userOrNone(who.name)?.roles.includes(name)) state.requireRoot(who);
  const { permissions } = state.role(name);
  return { header: header(parts), perm: name === rootName ? [everything] : permissions };
}

export async function roleList(call: Call, parts: MemberParts): Promise<Of<typeof authRoleListResponse>> {
  await parts.reads.ready();
  await parts.access.requireRoot(call);
  return { header: header(parts), roles: parts.auth.state.roleNames };
}
