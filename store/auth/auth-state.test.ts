import assert from "node:assert/strict";
import { type Log, silentLog } from "../../base/os/log.ts";
import { utf8 } from "../../base/wire.ts";
import type { Row } from "../backend/backend.ts";
import { StoreError, type StoreErrorCode } from "../errors.ts";
import type { AllAuthRows, AuthBucket, AuthRows } from "./auth-rows.ts";
import { AuthState } from "./auth-state.ts";
import { keyRange } from "./key-ranges.ts";

/** Rows in memory, as a backend keeps them. */
class MemoryRows implements AuthRows {
  readonly #buckets: Record<AuthBucket, Map<string, Uint8Array>> = {
    auth: new Map(),
    authUsers: new Map(),
    authRoles: new Map(),
  };
  put(bucket: AuthBucket, key: string, value: Uint8Array): void {
    this.#buckets[bucket].set(key, value);
  }
  delete(bucket: AuthBucket, key: string): void {
    this.#buckets[bucket].delete(key);
  }
  all(): AllAuthRows {
    const rows = (bucket: AuthBucket): Row[] =>
      [...this.#buckets[bucket]].map(([key, value]) => ({ key, value }));
    return { auth: rows("auth"), authUsers: rows("authUsers"), authRoles: rows("authRoles") };
  }
}

const refusedWith = (code: StoreErrorCode, act: () => void) =>
  assert.throws(act, (error) => error instanceof StoreError && error.code === code);
const range = (key: string, rangeEnd = "") => keyRange(utf8(key), utf8(rangeEnd));
const plainUser = (name: string) => ({
  name,
  password: "",
  options: undefined,
  hashedPassword: Buffer.from("hash").toString("base64"),
});
const permission = (permType: "READ" | "WRITE" | "READWRITE", key: string, rangeEnd = "") => ({
  permType,
  key: utf8(key),
  rangeEnd: utf8(rangeEnd),
});

describe("users and roles", () => {
  let rows: MemoryRows;
  let auth: AuthState;
  const who = (name: string) => ({ name, revision: auth.revision });
  beforeEach(() => {
    rows = new MemoryRows();
    auth = new AuthState();
  });
  const turnOn = () => {
    auth.addUser(plainUser("root"), rows);
    auth.grantRole("root", "root", rows);
    auth.enable(rows);
  };

  it("are off at revision 1 before anything was changed", () => {
    assert.equal(auth.isOn, false);
    assert.equal(auth.revision, 1);
  });

  it("are turned on only with a root user that has the role root", () => {
    refusedWith("ROOT_USER_NOT_EXIST", () => auth.enable(rows));
    auth.addUser(plainUser("root"), rows);
    refusedWith("ROOT_ROLE_NOT_EXIST", () => auth.enable(rows));
    auth.grantRole("root", "root", rows);
    auth.enable(rows);
    assert.ok(auth.isOn);
    assert.equal(auth.revision, 3, "turning on changes no right");
  });

  it("keep root from losing what turned them on", () => {
    turnOn();
    auth.addRole("root", rows);
    refusedWith("INVALID_AUTH_MANAGEMENT", () => auth.deleteUser("root", rows));
    refusedWith("INVALID_AUTH_MANAGEMENT", () => auth.revokeRole("root", "root", rows));
    refusedWith("INVALID_AUTH_MANAGEMENT", () => auth.deleteRole("root", rows));
    auth.disable(rows);
    auth.deleteRole("root", rows);
    auth.deleteUser("root", rows);
  });

  it("refuse names that are empty, taken or unknown", () => {
    refusedWith("USER_EMPTY", () => auth.addUser(plainUser(""), rows));
    refusedWith("ROLE_EMPTY", () => auth.addRole("", rows));
    auth.addUser(plainUser("ann"), rows);
    auth.addRole("reader", rows);
    refusedWith("USER_EXISTS", () => auth.addUser(plainUser("ann"), rows));
    refusedWith("ROLE_EXISTS", () => auth.addRole("reader", rows));
    refusedWith("USER_NOT_FOUND", () => auth.grantRole("bob", "reader", rows));
    refusedWith("ROLE_NOT_FOUND", () => auth.grantRole("ann", "writer", rows));
    refusedWith("ROLE_NOT_GRANTED", () => auth.revokeRole("ann", "reader", rows));
    refusedWith("PERMISSION_NOT_GRANTED", () =>
      auth.revokePermission("reader", permission("READ", "a"), rows),
    );
    refusedWith("PERMISSION_NOT_GIVEN", () => auth.grantPermission("reader", undefined, rows));
    for (const [key, end] of [
      ["", ""],
      ["b", "a"],
      ["b", "b"],
    ] as const)
      refusedWith("INVALID_AUTH_MANAGEMENT", () =>
        auth.grantPermission("reader", permission("READ", key, end), rows),
      );
    refusedWith("NO_PASSWORD_USER", () => auth.changePassword("ann", "no base64!", rows));
  });

  it("hold names in the order of their bytes", () => {
    for (const name of ["b", "\u{1F600}", "\uFFFD", "a"]) auth.addUser(plainUser(name), rows);
    assert.deepEqual(auth.userNames, ["a", "b", "\uFFFD", "\u{1F600}"]);
  });

  it("are read back from their rows as they were", () => {
    turnOn();
    auth.addUser({ ...plainUser("ann"), options: { noPassword: true } }, rows);
    auth.addRole("reader", rows);
    auth.grantPermission("reader", permission("READ", "a", "c"), rows);
    auth.grantRole("ann", "reader", rows);
    const again = new AuthState();
    again.restore(rows.all());
    assert.equal(again.isOn, true);
    assert.equal(again.revision, auth.revision);
    assert.deepEqual(again.user("ann"), auth.user("ann"));
    assert.deepEqual(again.user("root").password, utf8("hash"));
    assert.deepEqual(
      again.role("reader").permissions.map(({ permType }) => permType),
      ["READ"],
    );
    again.requireRead({ name: "ann", revision: again.revision }, range("b"));
    refusedWith("PERMISSION_DENIED", () =>
      again.requireWrite({ name: "ann", revision: again.revision }, range("b")),
    );
  });

  it("replace a permission on the same range, though another on the same key came before it", () => {
    auth.addRole("reader", rows);
    auth.grantPermission("reader", permission("READ", "a"), rows);
    auth.grantPermission("reader", permission("READWRITE", "a", "c"), rows);
    auth.grantPermission("reader", permission("WRITE", "a", "c"), rows);
    assert.deepEqual(
      auth.role("reader").permissions.map(({ permType, rangeEnd }) => `${permType} ${rangeEnd.length}`),
      ["READ 0", "WRITE 1"],
    );
  });

  it("take a deleted role from its users, and an added one of that name gives nothing back", () => {
    turnOn();
    auth.addUser(plainUser("ann"), rows);
    for (const round of [1, 2]) {
      auth.addRole("reader", rows);
      if (round === 1) {
        auth.grantPermission("reader", permission("READ", "a"), rows);
        auth.grantRole("ann", "reader", rows);
        auth.requireRead(who("ann"), range("a"));
        auth.deleteRole("reader", rows);
      }
      refusedWith("PERMISSION_DENIED", () => auth.requireRead(who("ann"), range("a")));
    }
  });

  it("refuse who asks without a name, with an older revision, or as nobody that is known", () => {
    turnOn();
    refusedWith("USER_EMPTY", () => auth.requireRead({ name: "", revision: 0 }, range("a")));
    refusedWith("AUTH_OLD_REVISION", () =>
      auth.requireRead({ name: "root", revision: auth.revision - 1 }, range("a")),
    );
    refusedWith("PERMISSION_DENIED", () => auth.requireRead(who("nobody"), range("a")));
    refusedWith("USER_EMPTY", () => auth.requireRoot({ name: "", revision: auth.revision }));
    refusedWith("USER_NOT_FOUND", () => auth.requireRoot(who("nobody")));
    auth.addUser(plainUser("ann"), rows);
    refusedWith("PERMISSION_DENIED", () => auth.requireRoot(who("ann")));
    auth.requireRoot({ name: "root", revision: 1 });
    auth.requireWrite(who("root"), { from: "", to: undefined });
  });

  it("ask nothing while they are off", () => {
    const nobody = { name: "", revision: 0 };
    auth.requireRead(nobody, range("a"));
    auth.requireWrite(nobody, range("a"));
    auth.requireRoot(nobody);
  });

  it("judge by what holds now, whatever was worked out before", () => {
    turnOn();
    auth.addUser(plainUser("ann"), rows);
    auth.addRole("writer", rows);
    auth.grantPermission("writer", permission("WRITE", "a"), rows);
    auth.grantRole("ann", "writer", rows);
    auth.requireWrite(who("ann"), range("a"));
    auth.revokePermission("writer", permission("WRITE", "a"), rows);
    refusedWith("PERMISSION_DENIED", () => auth.requireWrite(who("ann"), range("a")));
  });

  it("are told in the log in etcd's words, and neither passwords nor their hashes", () => {
    const told: string[] = [];
    const tell =
      (level: string) =>
      (message: string, fields: object = {}) =>
        void told.push(`${level} ${message} ${JSON.stringify(fields)}`);
    const levels = { info: tell("info"), warn: tell("warn"), error: tell("error") };
    auth = new AuthState({ ...silentLog, ...levels } as Log);
    turnOn();
    auth.enable(rows);
    auth.addRole("reader", rows);
    auth.grantPermission("reader", permission("READ", "a", "b"), rows);
    auth.addUser(plainUser("ann"), rows);
    const before = who("ann");
    auth.grantRole("ann", "reader", rows);
    auth.grantRole("ann", "reader", rows);
    refusedWith("AUTH_OLD_REVISION", () => auth.requireRead(before, range("a")));
    refusedWith("PERMISSION_DENIED", () => auth.requireRead(who("eve"), range("a")));
    auth.changePassword("ann", Buffer.from("hash").toString("base64"), rows);
    auth.revokeRole("ann", "reader", rows);
    auth.revokePermission("reader", { key: utf8("a"), rangeEnd: utf8("b") }, rows);
    auth.deleteRole("reader", rows);
    auth.deleteUser("ann", rows);
    for (const act of [
      () => auth.deleteUser("root", rows),
      () => auth.deleteRole("root", rows),
      () => auth.revokeRole("root", "root", rows),
    ])
      refusedWith("INVALID_AUTH_MANAGEMENT", act);
    auth.disable(rows);
    assert.deepEqual(told, [
      'info added a user {"user-name":"root"}',
      'info granted a role to a user {"user-name":"root","user-roles":["root"],"added-role-name":"root"}',
      "info enabled authentication {}",
      "info authentication is already enabled; ignored auth enable request {}",
      'info created a role {"role-name":"reader"}',
      'info granted/updated a permission to a user {"user-name":"reader","permission-name":"READ","key":"a","range-end":"b"}',
      'info added a user {"user-name":"ann"}',
      'info granted a role to a user {"user-name":"ann","user-roles":["reader"],"added-role-name":"reader"}',
      'warn ignored grant role request to a user {"user-name":"ann","user-roles":["reader"],"duplicate-role-name":"reader"}',
      'warn request auth revision is less than current node auth revision {"current node auth revision":7,"request auth revision":6,"request key":"a"}',
      'error cannot find a user for permission check {"user-name":"eve"}',
      'info changed a password of a user {"user-name":"ann","user-roles":["reader"]}',
      'info revoked a role from a user {"user-name":"ann","old-user-roles":["reader"],"new-user-roles":[],"revoked-role-name":"reader"}',
      'info revoked a permission on range {"role-name":"reader","key":"a","range-end":"b"}',
      'info deleted a role {"role-name":"reader"}',
      'info deleted a user {"user-name":"ann","user-roles":[]}',
      `error cannot delete 'root' user {"user-name":"root"}`,
      `error cannot delete 'root' role {"role-name":"root"}`,
      `error 'root' user cannot revoke 'root' role {"user-name":"root","role-name":"root"}`,
      "info disabled authentication {}",
    ]);
  });
});
