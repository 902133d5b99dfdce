import type { AuthRows } from "../auth/auth-rows.ts";
import type { Authenticated } from "../auth/tokens.ts";
import { StoreError } from "../errors.ts";
import type { Index } from "../raft/types.ts";
import type { ApplyParts, StoreRequest } from "./apply-request.ts";

export type AuthRequest = Extract<StoreRequest, { readonly kind: `auth${string}` }>;

/** What the apply stage answers to an authentication. */
export interface AuthenticateAnswer extends Authenticated {
  readonly header: { readonly revision: number };
}

/** etcd logs questions about users and roles; in a log taken over from it they are without effect. */
type Question = "authStatus" | "authUserGet" | "authUserList" | "authRoleGet" | "authRoleList";
type Change = Exclude<AuthRequest, { readonly kind: "authenticate" | Question }>;
type ChangeParts = Pick<ApplyParts, "auth" | "tokens"> & { readonly rows: AuthRows };
type Changes = {
  readonly [K in Change["kind"]]: (
    body: Extract<Change, { readonly kind: K }>["body"],
    parts: ChangeParts,
  ) => void;
};

const changes: Changes = {
  authEnable: (_, { auth, tokens, rows }) => {
    auth.enable(rows);
    tokens.enable();
  },
  authDisable: (_, { auth, tokens, rows }) => {
    auth.disable(rows);
    tokens.disable();
  },
  authUserAdd: (body, { auth, rows }) => auth.addUser(body, rows),
  authUserDelete: ({ name }, { auth, tokens, rows }) => {
    auth.deleteUser(name, rows);
    tokens.forget(name);
  },
  authUserChangePassword: ({ name, hashedPassword }, { auth, tokens, rows }) => {
    auth.changePassword(name, hashedPassword, rows);
    tokens.forget(name);
  },
  authUserGrantRole: ({ user, role }, { auth, rows }) => auth.grantRole(user, role, rows),
  authUserRevokeRole: ({ name, role }, { auth, rows }) => auth.revokeRole(name, role, rows),
  authRoleAdd: ({ name }, { auth, rows }) => auth.addRole(name, rows),
  authRoleDelete: ({ role }, { auth, rows }) => auth.deleteRole(role, rows),
  authRoleGrantPermission: ({ name, perm }, { auth, rows }) => auth.grantPermission(name, perm, rows),
  authRoleRevokePermission: (body, { auth, rows }) => auth.revokePermission(body.role, body, rows),
};

/** Changes of users and roles, and authentications. Throws StoreError having changed nothing. */
export function applyAuth(request: AuthRequest, index: Index, parts: ApplyParts): object {
  if (request.kind === "authenticate") return authenticate(request.body, index, parts);
  const { auth, tokens } = parts;
  if (isAuthChange(request)) {
    const change = changes[request.kind] as (body: object, parts: ChangeParts) => void;
    change(request.body, { auth, tokens, rows: parts.backend() });
  }
  return {};
}

/** Whether it changes users or roles, for which one must be root. */
export const isAuthChange = (request: StoreRequest): request is Change =>
  Object.hasOwn(changes, request.kind);

/** The password was checked before the request entered the log; that the user is still there is checked here. */
function authenticate(
  { name, simpleToken: prefix }: { readonly name: string; readonly simpleToken: string },
  index: Index,
  { auth, tokens, mvcc }: ApplyParts,
): AuthenticateAnswer {
  if (!auth.isOn) throw new StoreError("AUTH_NOT_ENABLED");
  const user = auth.userOrNone(name);
  if (user === undefined || user.options?.noPassword) throw new StoreError("AUTH_FAILED");
  const applied = { name, prefix, index, revision: auth.revision };
  tokens.authenticated(applied);
  return { header: { revision: mvcc.revision }, ...applied };
}
