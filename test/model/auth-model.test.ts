import assert from "node:assert/strict";
import { below, chance, Prng, type Random } from "../../base/os/random.ts";
import { internalRaftRequest } from "../../proto/etcd.ts";
import { AuthState } from "../../store/auth/auth-state.ts";
import { keyRange } from "../../store/auth/key-ranges.ts";
import { StoreError } from "../../store/errors.ts";
import { type AuthModel, changedAuth, noAuth, refusedRange, refusedRoot } from "./auth-model.ts";

const names = ["root", "ann", "bob"];
const keys = ["a", "b", "bb", "c", "d"];
const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
const noRows = { put: () => undefined, delete: () => undefined };

const one = <T>(random: Random, from: readonly T[]): T => from[below(random, from.length)] as T;

/** One key, some, or all from one on. */
function anyRange(random: Random) {
  const key = one(random, keys);
  const later = keys.filter((other) => other > key);
  const rangeEnd = chance(random, 0.4) || later.length === 0 ? one(random, ["", "\0"]) : one(random, later);
  return { key: bytes(key), rangeEnd: bytes(rangeEnd) };
}

/** A change of users or roles, and the same done to the store's own. */
function anyChange(random: Random, auth: AuthState) {
  const name = one(random, names);
  const role = one(random, names);
  const hashedPassword = Buffer.from(String(random.uint32())).toString("base64");
  const range = anyRange(random);
  const perm = { permType: one(random, ["READ", "WRITE", "READWRITE"] as const), ...range };
  return one(random, [
    { request: { authEnable: {} }, act: () => auth.enable(noRows) },
    { request: { authDisable: {} }, act: () => auth.disable(noRows) },
    {
      request: { authUserAdd: { name, hashedPassword } },
      act: () => auth.addUser({ name, hashedPassword, password: "", options: undefined }, noRows),
    },
    { request: { authUserDelete: { name } }, act: () => auth.deleteUser(name, noRows) },
    {
      request: { authUserChangePassword: { name, hashedPassword } },
      act: () => auth.changePassword(name, hashedPassword, noRows),
    },
    { request: { authUserGrantRole: { user: name, role } }, act: () => auth.grantRole(name, role, noRows) },
    { request: { authUserRevokeRole: { name, role } }, act: () => auth.revokeRole(name, role, noRows) },
    { request: { authRoleAdd: { name: role } }, act: () => auth.addRole(role, noRows) },
    { request: { authRoleDelete: { role } }, act: () => auth.deleteRole(role, noRows) },
    {
      request: { authRoleGrantPermission: { name: role, perm } },
      act: () => auth.grantPermission(role, perm, noRows),
    },
    {
      request: { authRoleRevokePermission: { role, ...range } },
      act: () => auth.revokePermission(role, range, noRows),
    },
  ]);
}

/** Undefined: it went well. */
function codeOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof StoreError) return error.code;
    throw error;
  }
}

describe("the model of users and roles", () => {
  it("allows and refuses as the store does, whatever changes", () => {
    const seen = new Map<string | undefined, number>();
    for (let seed = 1; seed <= 40; seed++) {
      const random = new Prng(seed);
      const auth = new AuthState();
      let model: AuthModel = noAuth;
      for (let step = 0; step < 150; step++) {
        const { request, act } = anyChange(random, auth);
        const after = changedAuth(model, internalRaftRequest.decode(internalRaftRequest.encode(request)));
        const refused = typeof after === "string" ? after : undefined;
        assert.equal(codeOf(act), refused, `seed ${seed}, step ${step}: ${JSON.stringify(request)}`);
        if (typeof after === "object") model = after;
        assert.deepEqual([auth.isOn, auth.revision], [model.isOn, model.revision]);

        const asker = { name: one(random, [...names, ""]), revision: model.revision - below(random, 2) };
        const range = anyRange(random);
        const asked = keyRange(range.key, range.rangeEnd);
        const right = refusedRange(model, asker, range, "READ");
        assert.equal(
          codeOf(() => auth.requireRead(asker, asked)),
          right,
        );
        assert.equal(
          codeOf(() => auth.requireWrite(asker, asked)),
          refusedRange(model, asker, range, "WRITE"),
        );
        assert.equal(
          codeOf(() => auth.requireRoot(asker)),
          refusedRoot(model, asker),
        );
        if (model.isOn) seen.set(right, (seen.get(right) ?? 0) + 1);
      }
    }
    for (const outcome of [undefined, "PERMISSION_DENIED", "AUTH_OLD_REVISION"])
      assert.ok((seen.get(outcome) ?? 0) > 20, `${outcome} ${seen.get(outcome)} times`);
  });
});
