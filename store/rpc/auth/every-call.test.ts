import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StatusError } from "../../../base/grpc/status.ts";
import { utf8 } from "../../../base/wire.ts";
import { watchResponse } from "../../../proto/etcd.ts";
import { authenticateResponse } from "../../../proto/etcd-auth.ts";
import { type Method, methods } from "../../../proto/etcd-methods.ts";
import type { RunningStore } from "../../compose.ts";
import { StoreError, type StoreErrorCode, storeErrors } from "../../errors.ts";
import { startAlone } from "../../testing/start-alone.ts";
import { type Call, type Incoming, joinsParts } from "../handler.ts";
import { answerOf } from "../promised-answer.ts";

type Name = keyof typeof methods;
type Outcome = StoreErrorCode | "ok";
const secret = { key: utf8("secret") };

/** Each call with a request that root may make, and what becomes of it when nobody in particular makes it, and a user without
 *  rights. A call that is not here does not compile: who serves a new one says who may make it. */
const calls: Readonly<
  Record<Name, { readonly request: object; readonly nobody: Outcome; readonly user: Outcome }>
> = {
  range: { request: secret, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  rangeStream: { request: secret, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  put: { request: { ...secret, value: utf8("v") }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  deleteRange: { request: { key: utf8("none") }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  txn: { request: { success: [{ requestRange: secret }] }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  compact: { request: { revision: 2 }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  watch: { request: { createRequest: secret }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  leaseGrant: { request: { ttl: 100 }, nobody: "USER_EMPTY", user: "ok" },
  leaseRevoke: { request: { id: 2n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  leaseTimeToLive: { request: { id: 1n, keys: true }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  leaseLeases: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  leaseKeepAlive: { request: { id: 1n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  memberList: { request: {}, nobody: "USER_EMPTY", user: "ok" },
  memberAdd: {
    request: { peerUrls: ["http://127.0.0.1:1"] },
    nobody: "USER_EMPTY",
    user: "PERMISSION_DENIED",
  },
  memberRemove: { request: { id: 9n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  memberUpdate: { request: { id: 9n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  memberPromote: { request: { id: 9n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  status: { request: {}, nobody: "USER_EMPTY", user: "ok" },
  alarm: { request: { action: "DEACTIVATE" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  defragment: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  hash: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  hashKv: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  moveLeader: { request: { targetId: 9n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  downgrade: { request: { action: "CANCEL" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  snapshot: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  authEnable: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  authDisable: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  authStatus: { request: {}, nobody: "ok", user: "ok" },
  authenticate: { request: { name: "ann", password: "pw" }, nobody: "ok", user: "ok" },
  userAdd: { request: { name: "eve" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userGet: { request: { name: "root" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userList: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userDelete: { request: { name: "ann" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userChangePassword: { request: { name: "root" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userGrantRole: { request: { user: "ann", role: "root" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  userRevokeRole: {
    request: { name: "root", role: "root" },
    nobody: "USER_EMPTY",
    user: "PERMISSION_DENIED",
  },
  roleAdd: { request: { name: "mine" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  roleGet: { request: { role: "root" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  roleList: { request: {}, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  roleDelete: { request: { role: "root" }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  roleGrantPermission: {
    request: { name: "root", perm: { ...secret, permType: "READ" } },
    nobody: "USER_EMPTY",
    user: "PERMISSION_DENIED",
  },
  roleRevokePermission: {
    request: { role: "root", ...secret },
    nobody: "USER_EMPTY",
    user: "PERMISSION_DENIED",
  },
  lock: { request: { name: utf8("l"), lease: 1n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  unlock: { request: { key: utf8("none") }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  campaign: { request: { name: utf8("e"), lease: 1n }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  proclaim: { request: { leader: secret }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  leader: { request: { name: utf8("e") }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  observe: { request: { name: utf8("e") }, nobody: "ok", user: "ok" },
  resign: { request: { leader: secret }, nobody: "USER_EMPTY", user: "PERMISSION_DENIED" },
  healthCheck: { request: {}, nobody: "ok", user: "ok" },
  healthWatch: { request: {}, nobody: "ok", user: "ok" },
};

/** Served to everybody, whatever they show; who may not observe is told nothing, and the stream ends. */
const open: ReadonlySet<Name> = new Set(["authenticate", "observe", "healthCheck", "healthWatch"]);
const mistaken = (error: unknown): Outcome => {
  if (error instanceof StoreError) return error.code;
  // Locks and elections tell what a step was refused for by its text alone.
  const told = error instanceof StatusError ? error.message : "";
  const [code] = Object.entries(storeErrors).find(([, { message }]) => message === told) ?? [];
  assert.ok(code !== undefined, String(error));
  return code as StoreErrorCode;
};

describe("with authentication on", function () {
  this.timeout(60_000);
  let folder: string;
  let store: RunningStore;
  let token: string;

  const ask = async (name: Name, request: object, asker: Partial<Call>): Promise<Outcome> => {
    const method = methods[name] as unknown as Method<object, object>;
    const call: Call = { requireLeader: false, ...asker };
    const bytes = method.request.encode(request);
    const handler = store.member.handlers.unary.get(method.path);
    try {
      if (handler !== undefined) await answerOf(handler, bytes, call);
      else return await firstOf(method, bytes, call);
      return "ok";
    } catch (error) {
      return mistaken(error);
    }
  };

  /** What the first answer on a stream says, or how it ends. */
  function firstOf(method: Method<object, object>, bytes: Uint8Array, call: Call): Promise<Outcome> {
    const stream = store.member.handlers.streams.get(method.path);
    assert.ok(stream !== undefined, method.path);
    return new Promise((resolve, reject) => {
      const send = (message: Uint8Array) => {
        const { cancelReason = "" } =
          method === (methods.watch as object) ? watchResponse.decode(message) : {};
        if (cancelReason.endsWith("user name is empty")) resolve("USER_EMPTY");
        else if (cancelReason.endsWith("permission denied")) resolve("PERMISSION_DENIED");
        else if (cancelReason.endsWith("invalid auth token")) resolve("INVALID_AUTH_TOKEN");
        else resolve("ok");
        return true;
      };
      const end = (error?: Error) => (error === undefined ? resolve("ok") : reject(error));
      const incoming: Incoming = stream.handler({ send, sendParts: joinsParts(send), end }, call);
      Promise.resolve(incoming.message(bytes)).then(() => incoming.halfClose(), reject);
    });
  }

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "pintle-every-call-"));
    store = await startAlone(folder, "--bcrypt-cost=4");
    await store.ready;
    for (const [name, request] of [
      ["userAdd", { name: "root", password: "pw" }],
      ["userGrantRole", { user: "root", role: "root" }],
      ["userAdd", { name: "ann", password: "pw" }],
      ["leaseGrant", { id: 1n, ttl: 9_000 }],
      ["leaseGrant", { id: 2n, ttl: 9_000 }],
      ["put", { ...secret, lease: 1n }],
      ["put", { key: utf8("other"), lease: 2n }],
      ["authEnable", {}],
    ] as const)
      assert.equal(await ask(name, request, {}), "ok", name);
    const authenticate = store.member.handlers.unary.get(methods.authenticate.path);
    assert.ok(authenticate !== undefined);
    const asked = methods.authenticate.request.encode({ name: "ann", password: "pw" });
    token = authenticateResponse.decode(await answerOf(authenticate, asked, { requireLeader: false })).token;
  });
  after(async () => {
    await store?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  for (const name of Object.keys(methods) as Name[])
    it(`${name} is for those who may`, async () => {
      const { request, nobody, user } = calls[name];
      assert.equal(await ask(name, request, {}), nobody, "nobody");
      assert.equal(await ask(name, request, { token }), user, "a user");
      assert.equal(await ask(name, request, { token: `Bearer ${token}` }), user, "a user, as a bearer");
      const forged = await ask(name, request, { token: "forgedforgedforg.1" });
      assert.equal(forged, open.has(name) ? "ok" : "INVALID_AUTH_TOKEN", "a token that does not hold");
      // Without --client-cert-auth nobody is known by a certificate.
      assert.equal(await ask(name, request, { certificateName: "root" }), nobody, "a certificate");
    });

  it("the member looks after its own health, and ends leases that ran out", async () => {
    assert.equal(await ask("range", { key: utf8("health") }, { isOwn: true }), "ok");
    const { lessor, reader } = store.member.state;
    assert.equal(await ask("leaseGrant", { id: 3n, ttl: 1 }, { isOwn: true }), "ok");
    assert.equal(await ask("put", { key: utf8("short"), lease: 3n }, { isOwn: true }), "ok");
    await reader.waitApplied(reader.appliedIndex + 1); // what is next in the log is the end of the lease
    assert.equal(lessor.exists(3n), false);
  });
});
