import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../base/os/clock.ts";
import { systemDisk } from "../../base/os/disk.ts";
import { MetricsRegistry } from "../../base/os/metrics.ts";
import { utf8 } from "../../base/wire.ts";
import { type InternalRaftRequestParts, internalRaftRequest } from "../../proto/etcd.ts";
import { SimpleTokens } from "../auth/simple-tokens.ts";
import { smallRevisions } from "../backend/backend-suite.ts";
import { MemoryHome } from "../backend/memory-home.ts";
import type { StoreErrorCode } from "../errors.ts";
import type { AuthenticateAnswer } from "./apply-auth.ts";
import { openState, type State } from "./state.ts";
import type { ApplyResult } from "./types.ts";

const failLoudly = (error: Error) => {
  throw error;
};

/** A state to which entries of the log are applied in the name of users. */
class Rig {
  readonly #home = new MemoryHome(
    { batchBytesMax: 1_500, batchRowsMax: 10, pendingBytesMax: 1_000_000, revisions: smallRevisions },
    { onFailure: failLoudly },
    () => turn(),
  );
  readonly tokens = new SimpleTokens({
    ttlMs: 300_000,
    monotonicMs: () => 0,
    random: { uint32: () => 0 },
    applied: () => undefined,
  });
  state!: State;
  #last: ApplyResult | undefined;
  #index = 0;

  async open(): Promise<this> {
    this.state = await openState(
      { dataDir: "/nowhere", quotaBytes: 0, electionMs: 1_000 },
      {
        clock: systemClock,
        disk: systemDisk,
        meter: new MetricsRegistry(),
        membership: {
          check: () => undefined,
          restore: () => undefined,
          applyConfChange: () => ({ voters: [1n], learners: [] }),
          setAttributes: () => undefined,
          setClusterVersion: () => undefined,
          setDowngrade: () => undefined,
        },
        tokens: this.tokens,
        onApplied: (_, result) => {
          this.#last = result;
        },
        onNoSpace: () => undefined,
        onFailure: failLoudly,
        home: this.#home,
      },
    );
    return this;
  }

  async reopen(): Promise<void> {
    await this.state.close();
    await this.open();
  }

  async apply(
    request: InternalRaftRequestParts,
    by: { readonly name: string; readonly revision?: number } | undefined,
  ): Promise<ApplyResult> {
    this.#index += 1;
    const header =
      by === undefined
        ? { id: 1n }
        : { id: 1n, username: by.name, authRevision: by.revision ?? this.state.auth.revision };
    const data = internalRaftRequest.encode({ ...request, header });
    await this.state.apply([{ term: 1, index: this.#index, type: "normal", data }]);
    assert.ok(this.#last);
    return this.#last;
  }

  /** "ok", or the code of the refusal. */
  async as(name: string, request: InternalRaftRequestParts): Promise<StoreErrorCode | "ok"> {
    return outcome(await this.apply(request, { name }));
  }
}

const outcome = (result: ApplyResult): StoreErrorCode | "ok" => (result.ok ? "ok" : result.error.code);
const key = utf8;
const put = (name: string, more: object = {}) => ({ key: key(name), value: utf8("v"), ...more });
const permission = (permType: "READ" | "WRITE" | "READWRITE", from: string, end = "") => ({
  permType,
  key: key(from),
  rangeEnd: key(end),
});
const leaseOf = { secret: 1n, own: 2n, unknown: 9n };

describe("what a user may do with keys when a request is applied", () => {
  let rig: Rig;
  const as = (name: string, request: InternalRaftRequestParts) => rig.as(name, request);
  const denied = async (request: InternalRaftRequestParts) =>
    assert.equal(await as("ann", request), "PERMISSION_DENIED");
  const allowed = async (request: InternalRaftRequestParts) => assert.equal(await as("ann", request), "ok");

  beforeEach(async () => {
    rig = await new Rig().open();
    for (const request of [
      { authUserAdd: { name: "root" } },
      { authUserAdd: { name: "ann" } },
      { authUserGrantRole: { user: "root", role: "root" } },
      { authRoleAdd: { name: "some" } },
      { authRoleGrantPermission: { name: "some", perm: permission("READ", "r", "s") } },
      { authRoleGrantPermission: { name: "some", perm: permission("WRITE", "w", "x") } },
      { authRoleGrantPermission: { name: "some", perm: permission("READWRITE", "both") } },
      { authUserGrantRole: { user: "ann", role: "some" } },
      { leaseGrant: { id: leaseOf.secret, ttl: 100 } },
      { leaseGrant: { id: leaseOf.own, ttl: 100 } },
      { put: put("secret", { lease: leaseOf.secret }) },
      { put: put("w1", { lease: leaseOf.own }) },
      { authEnable: {} },
    ] satisfies InternalRaftRequestParts[])
      assert.equal(outcome(await rig.apply(request, undefined)), "ok");
  });
  afterEach(() => rig.state.close());

  it("is asked of who has no name, an old revision, or no user", async () => {
    assert.equal(outcome(await rig.apply({ put: put("w") }, undefined)), "USER_EMPTY");
    const revision = rig.state.auth.revision - 1;
    assert.equal(outcome(await rig.apply({ put: put("w") }, { name: "ann", revision })), "AUTH_OLD_REVISION");
    assert.equal(await as("nobody", { put: put("w") }), "PERMISSION_DENIED");
    assert.equal(await as("root", { put: put("secret", { prevKv: true }) }), "ok");
  });

  it("holds for keys and ranges", async () => {
    await allowed({ put: put("w2") });
    await denied({ put: put("r") });
    await denied({ put: put("x") });
    await allowed({ deleteRange: { key: key("w"), rangeEnd: key("x") } });
    await denied({ deleteRange: { key: key("w"), rangeEnd: key("x\0") } });
    await denied({ deleteRange: { key: key("w"), rangeEnd: key("\0") } });
    await allowed({ range: { key: key("r"), rangeEnd: key("s") } });
    await denied({ range: { key: key("r"), rangeEnd: key("\0") } });
  });

  it("takes reading for what former values tell", async () => {
    await denied({ put: put("w1", { prevKv: true }) });
    await denied({ deleteRange: { key: key("w1"), prevKv: true } });
    await allowed({ put: put("both", { prevKv: true }) });
    await allowed({ deleteRange: { key: key("both"), prevKv: true } });
  });

  it("holds for every operation of a transaction, in both branches and however deep", async () => {
    const operations: Record<string, { readonly may: boolean; readonly op: object }> = {
      "a range": { may: false, op: { requestRange: { key: key("secret") } } },
      "an open range": { may: false, op: { requestRange: { key: key("r"), rangeEnd: key("\0") } } },
      "a put": { may: false, op: { requestPut: put("secret") } },
      "a put with its former value": { may: false, op: { requestPut: put("w1", { prevKv: true }) } },
      "a put on a foreign lease": { may: false, op: { requestPut: put("w2", { lease: leaseOf.secret }) } },
      "a deletion": { may: false, op: { requestDeleteRange: { key: key("secret") } } },
      "a deletion with former values": {
        may: false,
        op: { requestDeleteRange: { key: key("w1"), prevKv: true } },
      },
      "a readable range": { may: true, op: { requestRange: { key: key("r1") } } },
      "a writable put": { may: true, op: { requestPut: put("w2", { lease: leaseOf.own }) } },
    };
    for (const [name, { may, op }] of Object.entries(operations)) {
      const nested = { requestTxn: { failure: [{ requestTxn: { success: [op] } }] } };
      for (const txn of [{ success: [op] }, { failure: [op] }, { success: [nested] }, { failure: [nested] }])
        assert.equal(await as("ann", { txn }), may ? "ok" : "PERMISSION_DENIED", name);
    }
  });

  it("holds for comparisons, nested ones and ranges among them", async () => {
    const compare = [{ result: "EQUAL", target: "VERSION", key: key("secret"), version: 0 }] as const;
    const open = [
      { result: "EQUAL", target: "VERSION", key: key("r"), rangeEnd: key("\0"), version: 0 },
    ] as const;
    const readable = [
      { result: "EQUAL", target: "VERSION", key: key("r"), rangeEnd: key("s"), version: 0 },
    ] as const;
    await denied({ txn: { compare } });
    await denied({ txn: { compare: open } });
    await denied({ txn: { success: [{ requestTxn: { compare } }] } });
    await allowed({ txn: { compare: readable } });
  });

  it("holds for all keys of a lease", async () => {
    await denied({ put: put("w2", { lease: leaseOf.secret }) });
    await denied({ leaseRevoke: { id: leaseOf.secret } });
    assert.equal(await as("ann", { leaseRevoke: { id: leaseOf.unknown } }), "LEASE_NOT_FOUND");
    await allowed({ put: put("w2", { lease: leaseOf.own }) });
    await allowed({ leaseRevoke: { id: leaseOf.own } });
    assert.equal(await as("root", { leaseRevoke: { id: leaseOf.secret } }), "ok");
  });

  it("leaves users and roles to root", async () => {
    const changes = [
      { authUserAdd: { name: "bob" } },
      { authUserDelete: { name: "ann" } },
      { authUserChangePassword: { name: "ann" } },
      { authUserGrantRole: { user: "ann", role: "root" } },
      { authUserRevokeRole: { name: "ann", role: "some" } },
      { authRoleAdd: { name: "more" } },
      { authRoleDelete: { role: "some" } },
      { authRoleGrantPermission: { name: "some", perm: permission("READ", "\0", "\0") } },
      { authRoleRevokePermission: { role: "some", key: key("both") } },
      { authEnable: {} },
      { authDisable: {} },
    ] satisfies InternalRaftRequestParts[];
    const { revision } = rig.state.auth;
    for (const change of changes) {
      await denied(change);
      assert.equal(outcome(await rig.apply(change, undefined)), "USER_EMPTY");
      assert.equal(await as("nobody", change), "USER_NOT_FOUND");
    }
    assert.equal(rig.state.auth.revision, revision, "what is refused changes nothing");
  });

  it("leaves to everybody with a name, and to members, what touches no key", async () => {
    await allowed({ leaseGrant: { id: 5n, ttl: 100 } });
    assert.equal(outcome(await rig.apply({ compaction: { revision: 1 } }, undefined)), "ok");
    assert.equal(outcome(await rig.apply({ alarm: { action: "GET" } }, undefined)), "ok");
  });

  it("lets questions that etcd has logged be without effect", async () => {
    for (const question of [
      { authStatus: {} },
      { authUserGet: { name: "ann" } },
      { authUserList: {} },
      { authRoleGet: { role: "some" } },
      { authRoleList: {} },
    ] satisfies InternalRaftRequestParts[])
      assert.equal(outcome(await rig.apply(question, undefined)), "ok");
  });

  it("gives tokens to users that are there, and takes them when the user changes", async () => {
    const authenticate = { name: "ann", simpleToken: "prefix" };
    const token = async () => {
      const result = await rig.apply({ authenticate }, undefined);
      assert.ok(result.ok);
      return rig.tokens.issue(result.response as AuthenticateAnswer);
    };
    const first = await token();
    assert.deepEqual(await rig.tokens.owner(first, {}), { name: "ann" });
    await as("root", { authUserChangePassword: { name: "ann" } });
    assert.equal(await rig.tokens.owner(first, {}), undefined);
    const second = await token();
    await as("root", { authUserDelete: { name: "ann" } });
    assert.equal(await rig.tokens.owner(second, {}), undefined);
    assert.equal(outcome(await rig.apply({ authenticate }, undefined)), "AUTH_FAILED");
    await as("root", { authDisable: {} });
    assert.equal(outcome(await rig.apply({ authenticate }, undefined)), "AUTH_NOT_ENABLED");
  });

  it("is the same after a restart, and nothing is asked once authentication is off", async () => {
    await rig.reopen();
    await denied({ put: put("secret") });
    await allowed({ put: put("w2") });
    assert.equal(await as("root", { authDisable: {} }), "ok");
    assert.equal(outcome(await rig.apply({ put: put("secret") }, undefined)), "ok");
  });
});
