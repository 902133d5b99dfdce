import { type Log, silentLog } from "../../base/os/log.ts";
import type { Of } from "../../base/protobuf.ts";
import { latin1Bytes, text } from "../../base/wire.ts";
import type { authUserAddRequest, Permission } from "../../proto/etcd-auth-requests.ts";
import { StoreError } from "../errors.ts";
import {
  type AllAuthRows,
  type AuthRows,
  decodeEnabled,
  decodeRevision,
  decodeRole,
  decodeUser,
  enabledKey,
  encodeEnabled,
  encodeRevision,
  encodeRole,
  encodeUser,
  ownPermission,
  type Role,
  revisionKey,
  rowKey,
  type User,
} from "./auth-rows.ts";
import { passwordOf } from "./hashed-password.ts";
import { isPermissionRange, type KeyRange } from "./key-ranges.ts";
import { type Rights, rightsOf, rootName } from "./rights.ts";

/** Who asks, as it was known when they were heard: the name, and the revision of users and roles at that time. */
export interface Requester {
  readonly name: string;
  readonly revision: number;
}

/** Bugs that simulation plants, by name. */
export interface AuthFaults {
  /** What a user may do is worked out once, whatever changes. */
  readonly keepRights?: true;
  /** A request takes effect though users or roles have changed since it came in. */
  readonly trustOldRevision?: true;
}

/** The revision of users and roles that nobody has changed yet. */
const untouchedRevision = 1;

/** Users, roles and whether they count: the state that all members share. It changes only by what is applied.
 *  Invariant: every change of users or roles raises the revision, and gives up all rights that were worked out before. */
export class AuthState {
  readonly #users = new Map<string, User>();
  readonly #roles = new Map<string, Role>();
  readonly #rights = new Map<string, Rights>();
  readonly #log: Log;
  readonly #faults: AuthFaults;
  #isOn = false;
  #revision = untouchedRevision;

  /** @param log Where changes are told, in etcd's words. */
  constructor(log: Log = silentLog, faults: AuthFaults = {}) {
    this.#log = log;
    this.#faults = faults;
  }

  /** At start, and when a snapshot replaced the state. Throws WireError having changed nothing. */
  restore({ auth, authUsers, authRoles }: AllAuthRows): void {
    const users = authUsers.map(({ value }) => decodeUser(value));
    const roles = authRoles.map(({ value }) => decodeRole(value));
    const settings = new Map(auth.map(({ key, value }) => [key, value]));
    this.#users.clear();
    this.#roles.clear();
    this.#rights.clear();
    for (const user of users) this.#users.set(user.name, user);
    for (const role of roles) this.#roles.set(role.name, role);
    this.#isOn = decodeEnabled(settings.get(enabledKey));
    this.#revision = decodeRevision(settings.get(revisionKey)) || untouchedRevision;
  }

  get isOn(): boolean {
    return this.#isOn;
  }
  get revision(): number {
    return this.#revision;
  }
  get userNames(): readonly string[] {
    return byBytes(this.#users.keys());
  }
  get roleNames(): readonly string[] {
    return byBytes(this.#roles.keys());
  }

  /** Throws USER_NOT_FOUND. */
  user(name: string): User {
    const user = this.#users.get(name);
    if (user === undefined) throw new StoreError("USER_NOT_FOUND");
    return user;
  }

  /** Throws ROLE_NOT_FOUND. */
  role(name: string): Role {
    const role = this.#roles.get(name);
    if (role === undefined) throw new StoreError("ROLE_NOT_FOUND");
    return role;
  }

  userOrNone(name: string): User | undefined {
    return this.#users.get(name);
  }

  /** Throws ROOT_USER_NOT_EXIST, ROOT_ROLE_NOT_EXIST. */
  enable(rows: AuthRows): void {
    if (this.#isOn) {
      this.#log.info("authentication is already enabled; ignored auth enable request");
      return;
    }
    const root = this.#users.get(rootName);
    if (root === undefined) throw new StoreError("ROOT_USER_NOT_EXIST");
    if (!root.roles.includes(rootName)) throw new StoreError("ROOT_ROLE_NOT_EXIST");
    this.#turn(true, rows);
    this.#log.info("enabled authentication");
  }

  disable(rows: AuthRows): void {
    if (!this.#isOn) return;
    this.#turn(false, rows);
    this.#changed(rows);
    this.#log.info("disabled authentication");
  }

  /** Throws USER_EMPTY, USER_EXISTS, NO_PASSWORD_USER. */
  addUser(request: Of<typeof authUserAddRequest>, rows: AuthRows): void {
    const { name, options = { noPassword: false } } = request;
    if (name === "") throw new StoreError("USER_EMPTY");
    if (this.#users.has(name)) throw new StoreError("USER_EXISTS");
    const password = options.noPassword ? new Uint8Array(0) : passwordOf(request.hashedPassword);
    this.#putUser({ name, password, roles: [], options: { noPassword: options.noPassword } }, rows);
    this.#changed(rows);
    this.#log.info("added a user", { "user-name": name });
  }

  /** Throws INVALID_AUTH_MANAGEMENT, USER_NOT_FOUND. */
  deleteUser(name: string, rows: AuthRows): void {
    if (this.#isOn && name === rootName) {
      this.#log.error("cannot delete 'root' user", { "user-name": name });
      throw new StoreError("INVALID_AUTH_MANAGEMENT");
    }
    const { roles } = this.user(name);
    this.#users.delete(name);
    rows.delete("authUsers", rowKey(name));
    this.#changed(rows);
    this.#log.info("deleted a user", { "user-name": name, "user-roles": roles });
  }

  /** Throws USER_NOT_FOUND, NO_PASSWORD_USER. */
  changePassword(name: string, hashedPassword: string, rows: AuthRows): void {
    const user = this.user(name);
    const password = user.options?.noPassword ? new Uint8Array(0) : passwordOf(hashedPassword);
    this.#putUser({ ...user, password }, rows);
    this.#changed(rows);
    this.#log.info("changed a password of a user", { "user-name": name, "user-roles": user.roles });
  }

  /** Throws USER_NOT_FOUND, ROLE_NOT_FOUND. The role `root` may be granted though nobody made it. */
  grantRole(userName: string, role: string, rows: AuthRows): void {
    const user = this.user(userName);
    if (role !== rootName) this.role(role);
    if (user.roles.includes(role)) {
      this.#log.warn("ignored grant role request to a user", {
        "user-name": userName,
        "user-roles": user.roles,
        "duplicate-role-name": role,
      });
      return;
    }
    const roles = byBytes([...user.roles, role]);
    this.#putUser({ ...user, roles }, rows);
    this.#changed(rows);
    this.#log.info("granted a role to a user", {
      "user-name": userName,
      "user-roles": roles,
      "added-role-name": role,
    });
  }

  /** Throws INVALID_AUTH_MANAGEMENT, USER_NOT_FOUND, ROLE_NOT_GRANTED. */
  revokeRole(userName: string, role: string, rows: AuthRows): void {
    if (this.#isOn && userName === rootName && role === rootName) {
      this.#log.error("'root' user cannot revoke 'root' role", { "user-name": userName, "role-name": role });
      throw new StoreError("INVALID_AUTH_MANAGEMENT");
    }
    const user = this.user(userName);
    if (!user.roles.includes(role)) throw new StoreError("ROLE_NOT_GRANTED");
    const left = withoutRole(user, role);
    this.#putUser(left, rows);
    this.#changed(rows);
    this.#log.info("revoked a role from a user", {
      "user-name": userName,
      "old-user-roles": user.roles,
      "new-user-roles": left.roles,
      "revoked-role-name": role,
    });
  }

  /** Throws ROLE_EMPTY, ROLE_EXISTS. */
  addRole(name: string, rows: AuthRows): void {
    if (name === "") throw new StoreError("ROLE_EMPTY");
    if (this.#roles.has(name)) throw new StoreError("ROLE_EXISTS");
    this.#putRole({ name, permissions: [] }, rows);
    this.#changed(rows);
    this.#log.info("created a role", { "role-name": name });
  }

  /** Takes it from all users as well. Throws INVALID_AUTH_MANAGEMENT, ROLE_NOT_FOUND. */
  deleteRole(name: string, rows: AuthRows): void {
    if (this.#isOn && name === rootName) {
      this.#log.error("cannot delete 'root' role", { "role-name": name });
      throw new StoreError("INVALID_AUTH_MANAGEMENT");
    }
    this.role(name);
    this.#roles.delete(name);
    rows.delete("authRoles", rowKey(name));
    for (const user of [...this.#users.values()])
      if (user.roles.includes(name)) this.#putUser(withoutRole(user, name), rows);
    this.#changed(rows);
    this.#log.info("deleted a role", { "role-name": name });
  }

  /** In place of what the role has on the same range. Throws PERMISSION_NOT_GIVEN, INVALID_AUTH_MANAGEMENT, ROLE_NOT_FOUND. */
  grantPermission(roleName: string, perm: Permission | undefined, rows: AuthRows): void {
    if (perm === undefined) throw new StoreError("PERMISSION_NOT_GIVEN");
    if (!isPermissionRange(perm.key, perm.rangeEnd)) throw new StoreError("INVALID_AUTH_MANAGEMENT");
    const role = this.role(roleName);
    const own = ownPermission(perm);
    const isThere = role.permissions.some((one) => isSameRange(one, own));
    const permissions = isThere
      ? role.permissions.map((one) => (isSameRange(one, own) ? own : one))
      : [...role.permissions, own].sort((a, b) => Buffer.compare(a.key, b.key));
    this.#putRole({ name: roleName, permissions }, rows);
    this.#changed(rows);
    // In etcd's words, though it is a role that has them.
    this.#log.info("granted/updated a permission to a user", {
      "user-name": roleName,
      "permission-name": own.permType,
      ...rangeFields(own),
    });
  }

  /** Throws ROLE_NOT_FOUND, PERMISSION_NOT_GRANTED. */
  revokePermission(roleName: string, range: Pick<Permission, "key" | "rangeEnd">, rows: AuthRows): void {
    const role = this.role(roleName);
    const permissions = role.permissions.filter((one) => !isSameRange(one, range));
    if (permissions.length === role.permissions.length) throw new StoreError("PERMISSION_NOT_GRANTED");
    this.#putRole({ name: roleName, permissions }, rows);
    this.#changed(rows);
    this.#log.info("revoked a permission on range", { "role-name": roleName, ...rangeFields(range) });
  }

  /** Throws USER_EMPTY, AUTH_OLD_REVISION, PERMISSION_DENIED while authentication is on. */
  requireRead(who: Requester, range: KeyRange): void {
    const rights = this.#isOn ? this.#currentRights(who, range) : undefined;
    if (rights !== undefined && !rights.isRoot && !rights.read.covers(range))
      throw new StoreError("PERMISSION_DENIED");
  }

  /** Throws as `requireRead`. */
  requireWrite(who: Requester, range: KeyRange): void {
    const rights = this.#isOn ? this.#currentRights(who, range) : undefined;
    if (rights !== undefined && !rights.isRoot && !rights.write.covers(range))
      throw new StoreError("PERMISSION_DENIED");
  }

  /** Throws USER_EMPTY, USER_NOT_FOUND, PERMISSION_DENIED while authentication is on. */
  requireRoot({ name }: Requester): void {
    if (!this.#isOn) return;
    if (name === "") throw new StoreError("USER_EMPTY");
    if (!this.user(name).roles.includes(rootName)) throw new StoreError("PERMISSION_DENIED");
  }

  isRoot({ name }: Requester): boolean {
    return this.#users.get(name)?.roles.includes(rootName) ?? false;
  }

  /** What was allowed at an older revision may not be any more. */
  #currentRights({ name, revision }: Requester, { from }: KeyRange): Rights {
    if (revision === 0) throw new StoreError("USER_EMPTY");
    if (revision < this.#revision && !this.#faults.trustOldRevision) {
      this.#log.warn("request auth revision is less than current node auth revision", {
        "current node auth revision": this.#revision,
        "request auth revision": revision,
        "request key": text(latin1Bytes(from)),
      });
      throw new StoreError("AUTH_OLD_REVISION");
    }
    const user = this.#users.get(name);
    if (user === undefined) {
      this.#log.error("cannot find a user for permission check", { "user-name": name });
      throw new StoreError("PERMISSION_DENIED");
    }
    let rights = this.#rights.get(name);
    if (rights === undefined) {
      rights = rightsOf(user, (role) => this.#roles.get(role));
      this.#rights.set(name, rights);
    }
    return rights;
  }

  #turn(isOn: boolean, rows: AuthRows): void {
    this.#isOn = isOn;
    rows.put("auth", enabledKey, encodeEnabled(isOn));
  }

  #putUser(user: User, rows: AuthRows): void {
    this.#users.set(user.name, user);
    rows.put("authUsers", rowKey(user.name), encodeUser(user));
  }

  #putRole(role: Role, rows: AuthRows): void {
    this.#roles.set(role.name, role);
    rows.put("authRoles", rowKey(role.name), encodeRole(role));
  }

  #changed(rows: AuthRows): void {
    if (!this.#faults.keepRights) this.#rights.clear();
    this.#revision += 1;
    rows.put("auth", revisionKey, encodeRevision(this.#revision));
  }
}

const byBytes = (names: Iterable<string>): string[] =>
  [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const withoutRole = (user: User, role: string): User => ({
  ...user,
  roles: user.roles.filter((one) => one !== role),
});

type Range = Pick<Permission, "key" | "rangeEnd">;
const rangeFields = ({ key, rangeEnd }: Range) => ({ key: text(key), "range-end": text(rangeEnd) });
const isSameRange = (one: Range, other: Range): boolean =>
  Buffer.compare(one.key, other.key) === 0 && Buffer.compare(one.rangeEnd, other.rangeEnd) === 0;
