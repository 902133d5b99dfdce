import type { Permission } from "../../../proto/etcd-auth-requests.ts";
import { StoreError, type StoreErrorCode } from "../../errors.ts";
import { header } from "../header.ts";
import type { MemberParts } from "../member.ts";
import { StatusError } from "../status.ts";

/** The Auth service of a store that has no users and no roles, and so never has authentication on: each call answers what
 *  etcd answers in that state. Only what would bring the first user or role about is refused by name. */

/** The revision of etcd's auth store before anything was changed. */
const untouchedRevision = 1n;

export async function authStatus(parts: MemberParts) {
  await parts.reads.ready();
  return { header: header(parts), enabled: false, authRevision: untouchedRevision };
}

/** A client that was given a user goes on without one when it reads this. */
export async function authenticate(parts: MemberParts): Promise<never> {
  await parts.reads.ready();
  throw new StoreError("AUTH_NOT_ENABLED");
}

export async function authEnable(parts: MemberParts): Promise<never> {
  await parts.reads.ready();
  throw new StoreError("ROOT_USER_NOT_EXIST");
}

/** It is off already. */
export async function authDisable(parts: MemberParts) {
  await parts.reads.ready();
  return { header: header(parts) };
}

export async function listNone(parts: MemberParts) {
  await parts.reads.ready();
  return { header: header(parts) };
}

export async function userAdd(name: string): Promise<never> {
  if (name === "") throw new StoreError("USER_EMPTY");
  throw unimplemented("UserAdd");
}

export async function roleAdd(name: string): Promise<never> {
  if (name === "") throw new StoreError("ROLE_EMPTY");
  throw unimplemented("RoleAdd");
}

/** For calls about a user or a role, of which there are none. */
export async function notFound(code: StoreErrorCode, parts: MemberParts): Promise<never> {
  await parts.reads.ready();
  throw new StoreError(code);
}

export async function roleGrantPermission(
  request: { readonly perm: Permission | undefined },
  parts: MemberParts,
): Promise<never> {
  if (request.perm === undefined) throw new StoreError("PERMISSION_NOT_GIVEN");
  if (!isPermissionRange(request.perm)) throw new StoreError("INVALID_AUTH_MANAGEMENT");
  return await notFound("ROLE_NOT_FOUND", parts);
}

/** One key, or from a key to a later one or to the end (a single zero byte). */
function isPermissionRange({ key, rangeEnd }: Permission): boolean {
  if (key.length === 0) return false;
  const isOpen = rangeEnd.length === 1 && rangeEnd[0] === 0;
  return rangeEnd.length === 0 || isOpen || Buffer.compare(key, rangeEnd) < 0;
}

function unimplemented(method: string): StatusError {
  return new StatusError("UNIMPLEMENTED", `etcdserver: ${method}: users and roles are not served`);
}
