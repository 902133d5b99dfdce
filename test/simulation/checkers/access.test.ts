import assert from "node:assert/strict";
import type { InternalRaftRequestParts } from "../../../proto/etcd.ts";
import { CommittedLog } from "../committed-log.ts";
import { Access, hashOf } from "./access.ts";
import { answer, bytes, logOf, operation, put, reports } from "./fixtures.ts";

const hashed = (password: string): string => Buffer.from(hashOf(password)).toString("base64");
const root = { id: 1n, username: "root", authRevision: 99 };

/** Ann may read and write from a to c, and bob nothing; both have got tokens, at 8 and 9. */
const setUp: readonly InternalRaftRequestParts[] = [
  { authUserAdd: { name: "root", hashedPassword: hashed("r") } },
  { authUserGrantRole: { user: "root", role: "root" } },
  { authUserAdd: { name: "ann", hashedPassword: hashed("a") } },
  { authUserAdd: { name: "bob", hashedPassword: hashed("b") } },
  { authRoleAdd: { name: "some" } },
  {
    authRoleGrantPermission: {
      name: "some",
      perm: { permType: "READWRITE", key: bytes("a"), rangeEnd: bytes("c") },
    },
  },
  { authUserGrantRole: { user: "ann", role: "some" } },
  { authEnable: {} },
  { authenticate: { name: "ann" } },
  { authenticate: { name: "bob" } },
];
const ann = { user: "ann", token: "x.9" };
const bob = { user: "bob", token: "y.10" };

function watched(more: readonly InternalRaftRequestParts[] = []) {
  const { said, report } = reports();
  const proved: number[] = [];
  const access = new Access(report, (index) => proved.push(index));
  const log = new CommittedLog([access]);
  access.log = log;
  logOf([...setUp, ...more], log);
  const last = log.lastIndex;
  const range = (key: string, floor = last) =>
    operation({ kind: "range", request: { key: bytes(key) }, floor });
  return { access, log, said, proved, range, last };
}

describe("the checker of access", () => {
  it("finds a read that nobody might show, and a refusal without reason", () => {
    const { access, said, range } = watched();
    const refused = { kind: "error", code: "PERMISSION_DENIED" } as const;
    access.completed(range("b"), answer(1), ann);
    access.completed(range("c"), refused, ann);
    access.completed(range("b"), answer(1), undefined);
    assert.deepEqual(said, []);
    access.completed(range("c"), answer(1), ann);
    access.completed(range("b"), answer(1), bob);
    access.completed(range("b"), answer(1), { user: "ann", token: undefined });
    access.completed(range("b"), refused, ann);
    assert.equal(said.length, 4);
  });

  it("finds a right that was taken away, unless the read began before, or shows what was then", () => {
    const taken = { authRoleRevokePermission: { role: "some", key: bytes("a"), rangeEnd: bytes("c") } };
    const { access, said, range, last } = watched([{ header: root, ...taken }]);
    access.completed(range("b", last - 1), answer(1), ann);
    access.completed({ ...range("b"), serializable: true }, answer(1), ann);
    assert.deepEqual(said, []);
    access.completed(range("b"), answer(1), ann);
    assert.match(said[0] ?? "", /which it may not see/);
  });

  it("finds a token that holds though there is another password", () => {
    const another = { authUserChangePassword: { name: "ann", hashedPassword: hashed("other") } };
    const { access, said, range, last } = watched([{ header: root, ...another }]);
    access.completed(range("b", last - 1), answer(1), ann);
    assert.deepEqual(said, []);
    access.completed(range("b"), answer(1), ann);
    assert.equal(said.length, 1);
  });

  it("finds a write in another's name, and in nobody's", () => {
    const write = (operationId: number, header: object) =>
      ({ ...put("a", "1", operationId), header }) as never;
    const now = (username: string) => ({ id: 1n, username, authRevision: 99 });
    const { access, said } = watched([write(1, now("ann")), write(2, now("root"))]);
    access.completed(operation({ id: 1 }), answer(2), ann);
    assert.deepEqual(said, []);
    access.completed(operation({ id: 2 }), answer(3), ann);
    assert.match(said[0] ?? "", /in the log as of root/);
    access.completed(operation({ id: 1 }), answer(2), { user: "ann", token: undefined });
    assert.ok(said.length > 1);
  });

  it("finds a watch of what may not be seen", () => {
    const { access, said, last } = watched();
    access.watching({ key: bytes("a"), rangeEnd: bytes("c") }, ann, last);
    access.watching({ key: bytes("a"), rangeEnd: bytes("d") }, ann, 7); // before there were users
    assert.deepEqual(said, []);
    access.watching({ key: bytes("a"), rangeEnd: bytes("d") }, ann, last);
    assert.equal(said.length, 1);
  });

  it("finds a token for a wrong password, and a right one that was refused", () => {
    const { access, said } = watched();
    const asked = (password: string) => ({ user: "ann", password, floor: 8 });
    access.authenticated(asked("a"), { token: "x.9" });
    access.authenticated(asked("wrong"), { code: "AUTH_FAILED" });
    assert.deepEqual(said, []);
    access.authenticated(asked("wrong"), { token: "x.9" });
    access.authenticated({ ...asked("a"), floor: 9 }, { token: "x.9" });
    access.authenticated(asked("a"), { code: "AUTH_FAILED" });
    access.authenticated(asked("a"), { code: "AUTH_NOT_ENABLED" });
    assert.equal(said.length, 4);
  });

  it("finds a change that was answered and is not in the log, or was there before", () => {
    const { access, said, proved } = watched();
    access.changed("userAdd", { name: "bob", password: "b", options: undefined, hashedPassword: "" }, 2);
    assert.deepEqual([said, proved], [[], [4]]);
    access.changed("userAdd", { name: "bob", password: "b", options: undefined, hashedPassword: "" }, 4);
    access.changed("userAdd", { name: "eve", password: "b", options: undefined, hashedPassword: "" }, 2);
    assert.equal(said.length, 2);
  });
});
