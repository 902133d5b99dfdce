import type { Requester } from "../auth/auth-state.ts";
import { isAuthChange } from "./apply-auth.ts";
import type { ApplyParts } from "./apply-request.ts";
import type { LoggedRequest } from "./logged-request.ts";

/** Of entries that name nobody. */
export const nobody: Requester = { name: "", revision: 0 };

/** Whether who asked may do it, by the users and roles of this place in the log, on which all members agree. Throws StoreError
 *  (USER_EMPTY, USER_NOT_FOUND, AUTH_OLD_REVISION, PERMISSION_DENIED). To be asked only while authentication is on. */
export function refuseByRights(request: LoggedRequest, { auth, rights }: ApplyParts): void {
  const who = request.by ?? nobody;
  if (request.kind === "put") rights.put(request.body, who);
  else if (request.kind === "range") rights.range(request.body, who);
  else if (request.kind === "deleteRange") rights.deleteRange(request.body, who);
  else if (request.kind === "txn") rights.txn(request.body, who);
  else if (request.kind === "leaseRevoke") rights.writeKeysOf(request.body.id, who);
  else if (isAuthChange(request)) auth.requireRoot(who);
  // The rest is what members ask of each other, or was checked before it entered the log.
}
