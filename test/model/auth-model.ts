import type { InternalRaftRequest } from "../../proto/etcd.ts";
import type { Permission } from "../../proto/etcd-auth-requests.ts";
import type { StoreErrorCode } from "../../store/errors.ts";

export interface ModelUser {
  /** The hash as it was sent. */
  readonly password: string;
  readonly roles: readonly string[];
}

/** Users, roles and whether they count, at one place in the log. Nothing of it ever changes: a change makes another one. */
export interface AuthModel {
  readonly isOn: boolean;
  readonly revision: number;
  readonly users: Readonly<Record<string, ModelUser>>;
  /** What each role may do. */
  readonly roles: Readonly<Record<string, readonly ModelPermission[]>>;
}

export interface ModelPermission {
  readonly may: "READ" | "WRITE" | "READWRITE";
  readonly from: string;
  /** As it was sent: empty for one key, `\0` for all from there on. */
  readonly end: string;
}

/** Who asks, as an entry says it. */
export interface Asker {
  readonly name: string;
  readonly revision: number;
}

export interface AskedRange {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
}

export const noAuth: AuthModel = { isOn: false, revision: 1, users: {}, roles: {} };

/** What a change of users or roles makes of them, or why it is refused; undefined for a request that is none. */
export function changedAuth(
  auth: AuthModel,
  request: Partial<InternalRaftRequest>,
): AuthModel | StoreErrorCode | undefined {
  const { authUserAdd, authUserDelete, authUserChangePassword, authUserGrantRole, authUserRevokeRole } =
    request;
  const { authRoleAdd, authRoleDelete, authRoleGrantPermission, authRoleRevokePermission } = request;
  if (request.authEnable) {
    if (auth.users.root === undefined) return "ROOT_USER_NOT_EXIST";
    if (!auth.users.root.roles.includes("root")) return "ROOT_ROLE_NOT_EXIST";
    return { ...auth, isOn: true };
  }
  if (request.authDisable) return auth.isOn ? raised({ ...auth, isOn: false }) : auth;
  if (authUserAdd) {
    const { name, hashedPassword: password } = authUserAdd;
    return name in auth.users ? "USER_EXISTS" : withUser(auth, name, { password, roles: [] });
  }
  if (authUserDelete) {
    const { [authUserDelete.name]: gone, ...users } = auth.users;
    if (auth.isOn && authUserDelete.name === "root") return "INVALID_AUTH_MANAGEMENT";
    return gone === undefined ? "USER_NOT_FOUND" : raised({ ...auth, users });
  }
  if (authUserChangePassword) {
    const { name, hashedPassword: password } = authUserChangePassword;
    const user = auth.users[name];
    return user === undefined ? "USER_NOT_FOUND" : withUser(auth, name, { ...user, password });
  }
  if (authUserGrantRole) {
    const { user: name, role } = authUserGrantRole;
    const user = auth.users[name];
    if (user === undefined) return "USER_NOT_FOUND";
    if (role !== "root" && auth.roles[role] === undefined) return "ROLE_NOT_FOUND";
    if (user.roles.includes(role)) return auth;
    return withUser(auth, name, { ...user, roles: [...user.roles, role].sort() });
  }
  if (authUserRevokeRole) {
    const { name, role } = authUserRevokeRole;
    if (auth.isOn && name === "root" && role === "root") return "INVALID_AUTH_MANAGEMENT";
    const user = auth.users[name];
    if (user === undefined) return "USER_NOT_FOUND";
    if (!user.roles.includes(role)) return "ROLE_NOT_GRANTED";
    return withUser(auth, name, { ...user, roles: user.roles.filter((one) => one !== role) });
  }
  if (authRoleAdd)
    return auth.roles[authRoleAdd.name] === undefined ? withRole(auth, authRoleAdd.name, []) : "ROLE_EXISTS";
  if (authRoleDelete) {
    const { [authRoleDelete.role]: gone, ...roles } = auth.roles;
    if (auth.isOn && authRoleDelete.role === "root") return "INVALID_AUTH_MANAGEMENT";
    if (gone === undefined) return "ROLE_NOT_FOUND";
    const left = ([name, user]: readonly [string, ModelUser]) =>
      [name, { ...user, roles: user.roles.filter((one) => one !== authRoleDelete.role) }] as const;
    return raised({ ...auth, roles, users: Object.fromEntries(Object.entries(auth.users).map(left)) });
  }
  if (authRoleGrantPermission) {
    const { name, perm } = authRoleGrantPermission;
    const permissions = auth.roles[name];
    if (perm === undefined) return "PERMISSION_NOT_GIVEN";
    if (permissions === undefined) return "ROLE_NOT_FOUND";
    const own = permissionOf(perm);
    return withRole(auth, name, [...permissions.filter((one) => !isSameRange(one, own)), own]);
  }
  if (authRoleRevokePermission) {
    const { role, key, rangeEnd } = authRoleRevokePermission;
    const permissions = auth.roles[role];
    if (permissions === undefined) return "ROLE_NOT_FOUND";
    const left = permissions.filter((one) => !isSameRange(one, { from: bytes(key), end: bytes(rangeEnd) }));
    return left.length === permissions.length ? "PERMISSION_NOT_GRANTED" : withRole(auth, role, left);
  }
  return undefined;
}

/** Why somebody may not read (or write) all of a range; undefined: they may. */
export function refusedRange(
  auth: AuthModel,
  { name, revision }: Asker,
  range: AskedRange,
  act: "READ" | "WRITE",
): StoreErrorCode | undefined {
  if (!auth.isOn) return undefined;
  if (revision === 0) return "USER_EMPTY";
  if (revision < auth.revision) return "AUTH_OLD_REVISION";
  const user = auth.users[name];
  if (user === undefined) return "PERMISSION_DENIED";
  if (user.roles.includes("root")) return undefined;
  const allowed = user.roles
    .flatMap((role) => auth.roles[role] ?? [])
    .filter(({ may }) => may === act || may === "READWRITE");
  return covers(allowed, bytes(range.key), bytes(range.rangeEnd)) ? undefined : "PERMISSION_DENIED";
}

/** Why somebody may not do what only root may. */
export function refusedRoot(auth: AuthModel, { name }: Asker): StoreErrorCode | undefined {
  if (!auth.isOn) return undefined;
  if (name === "") return "USER_EMPTY";
  const user = auth.users[name];
  if (user === undefined) return "USER_NOT_FOUND";
  return user.roles.includes("root") ? undefined : "PERMISSION_DENIED";
}

/** Step by step from the first key, each time as far as any permission reaches from there. */
function covers(allowed: readonly ModelPermission[], from: string, end: string): boolean {
  const goal = lastOf(from, end);
  let at = from;
  for (;;) {
    const reaching = allowed.filter((one) => one.from <= at && beyond(lastOf(one.from, one.end), at));
    const ends = reaching.map((one) => lastOf(one.from, one.end));
    if (ends.length === 0) return false;
    if (ends.includes("all")) return true;
    const furthest = ends.reduce((one, other) => (one > other ? one : other));
    if (goal !== "all" && furthest.slice(1) >= goal.slice(1)) return true;
    at = furthest.slice(1);
  }
}

/** The first key behind a range, behind a mark that keeps it apart from "all". */
const lastOf = (from: string, end: string): string =>
  end === "\0" ? "all" : `<${end === "" ? `${from}\0` : end}`;
const beyond = (last: string, key: string): boolean => last === "all" || last.slice(1) > key;

const withUser = (auth: AuthModel, name: string, user: ModelUser): AuthModel =>
  raised({ ...auth, users: { ...auth.users, [name]: user } });
const withRole = (auth: AuthModel, name: string, permissions: readonly ModelPermission[]): AuthModel =>
  raised({ ...auth, roles: { ...auth.roles, [name]: permissions } });
const raised = (auth: AuthModel): AuthModel => ({ ...auth, revision: auth.revision + 1 });

const bytes = (value: Uint8Array): string => Buffer.from(value).toString("latin1");
const isSameRange = (one: Omit<ModelPermission, "may">, other: Omit<ModelPermission, "may">): boolean =>
  one.from === other.from && one.end === other.end;

/** In the words of the model. */
export function permissionOf({ permType, key, rangeEnd }: Permission): ModelPermission {
  const may = permType === "READ" || permType === "WRITE" ? permType : "READWRITE";
  return { may, from: bytes(key), end: bytes(rangeEnd) };
}
