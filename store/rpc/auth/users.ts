import type { Of } from "../../../base/protobuf.ts";
import type { authUserGetResponse, authUserListResponse } from "../../../proto/etcd-auth.ts";
import type * as asked from "../../../proto/etcd-auth-requests.ts";
import type { Call } from "../handler.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { changed } from "./changed.ts";

/** The hash of a password as requests carry it. */
async function hashed(password: string, { auth }: MemberParts): Promise<string> {
  return Buffer.from(await auth.passwords.hash(password)).toString("base64");
}

/** A password is hashed before anything enters the log. */
export async function userAdd(request: Of<typeof asked.authUserAddRequest>, call: Call, parts: MemberParts) {
  const { name, options } = request;
  const hashedPassword = options?.noPassword ? request.hashedPassword : await hashed(request.password, parts);
  return await changed("authUserAdd", { name, options, hashedPassword }, { call, parts });
}

/** Who has hashed a password themselves may send the hash in place of it. */
export async function userChangePassword(
  request: Of<typeof asked.authUserChangePasswordRequest>,
  call: Call,
  parts: MemberParts,
) {
  const { name, password } = request;
  const hashedPassword = password === "" ? request.hashedPassword : await hashed(password, parts);
  return await changed("authUserChangePassword", { name, hashedPassword }, { call, parts });
}

/** Users may know their own roles. */
export async function userGet(
  { name }: Of<typeof asked.authUserGetRequest>,
  call: Call,
  parts: MemberParts,
): Promise<Of<typeof authUserGetResponse>> {
  await parts.reads.ready();
  const { state } = parts.auth;
  const who = await parts.access.askerOf(call);
  if (who.name !== name) state.requireRoot(who);
  return { header: header(parts), roles: state.user(name).roles };
}

export async function userList(call: Call, parts: MemberParts): Promise<Of<typeof authUserListResponse>> {
  await parts.reads.ready();
  await parts.access.requireRoot(call);
  return { header: header(parts), users: parts.auth.state.userNames };
}
