import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { utf8 } from "../../base/wire.ts";
import type { methods } from "../../proto/etcd-methods.ts";
import { type CallOutcome, EtcdCalls } from "./etcd-calls.ts";
import { type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdVersions } from "./etcd-versions.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];
/** Hashing is not what is compared. */
const flags = ["--bcrypt-cost=4"];

/** A store that is asked in the name of users, whose tokens it remembers. */
class Side {
  readonly processes: StoreProcesses;
  readonly calls: EtcdCalls;
  readonly #tokens = new Map<string, string>([["forged", "forgedforgedforg.5"]]);

  constructor(processes: StoreProcesses) {
    this.processes = processes;
    this.calls = new EtcdCalls(processes.endpoints[0] ?? "");
  }

  async ask({ by, call, request }: Step): Promise<CallOutcome> {
    const outcome = await this.calls.call(call, request, by === "" ? undefined : this.#tokens.get(by));
    if (call !== "authenticate" || "code" in outcome) return comparable(outcome);
    const { name } = request as { readonly name: string };
    this.#tokens.set(name, String(outcome.answer.token));
    return { ...outcome, answer: {} };
  }

  async stop(): Promise<void> {
    this.calls.close();
    await this.processes.stop();
  }
}

interface Step {
  /** Nobody: empty. */
  readonly by: string;
  readonly call: keyof typeof methods;
  readonly request: object;
}

/** Without what each side makes up: times left, and the order of leases and of their keys. */
function comparable(outcome: CallOutcome): CallOutcome {
  if ("code" in outcome) return outcome;
  const { ttl: _left, leases, members: _, memberId: _id, version: _version, ...answer } = outcome.answer;
  const sorted = {
    ...(Array.isArray(leases) && { leases: leases.map(({ id }) => String(id)).sort() }),
    ...(Array.isArray(answer.keys) && { keys: answer.keys.map(String).sort() }),
  };
  return { ...outcome, answer: { ...answer, ...sorted } };
}

const key = utf8;
const put = (name: string, more: object = {}) => ({ key: key(name), value: utf8("v"), ...more });
const range = (from: string, end = "") => ({ key: key(from), rangeEnd: key(end) });
const permission = (permType: string, from: string, end = "") => ({ permType, ...range(from, end) });
const as = (by: string, call: Step["call"], request: object = {}): Step => ({ by, call, request });

const beginning: readonly Step[] = [
  as("", "authStatus"),
  as("", "authEnable"),
  as("", "authDisable"),
  as("", "authenticate", { name: "root", password: "pw" }),
  as("", "userAdd", { name: "" }),
  as("", "roleAdd", { name: "" }),
  as("", "userAdd", { name: "root", password: "pw" }),
  as("", "authEnable"),
  as("", "userGrantRole", { user: "root", role: "root" }),
  as("", "userAdd", { name: "ann", password: "pw" }),
  as("", "userAdd", { name: "ann", password: "pw" }),
  as("", "userAdd", { name: "silent", options: { noPassword: true } }),
  as("", "userChangePassword", { name: "nobody", password: "pw" }),
  as("", "roleAdd", { name: "some" }),
  as("", "roleAdd", { name: "some" }),
  as("", "roleGrantPermission", { name: "some" }),
  as("", "roleGrantPermission", { name: "some", perm: permission("READ", "b", "a") }),
  as("", "roleGrantPermission", { name: "some", perm: permission("READ", "") }),
  as("", "roleGrantPermission", { name: "none", perm: permission("READ", "a") }),
  as("", "roleGrantPermission", { name: "some", perm: permission("READ", "r", "s") }),
  as("", "roleGrantPermission", { name: "some", perm: permission("WRITE", "w", "x") }),
  as("", "roleGrantPermission", { name: "some", perm: permission("READWRITE", "both") }),
  as("", "roleGet", { role: "some" }),
  as("", "roleGet", { role: "root" }),
  as("", "roleRevokePermission", { role: "some", ...range("q") }),
  as("", "userGrantRole", { user: "ann", role: "none" }),
  as("", "userRevokeRole", { name: "ann", role: "some" }),
  as("", "userGrantRole", { user: "ann", role: "some" }),
  as("", "leaseGrant", { id: 1n, ttl: 9_000 }),
  as("", "leaseGrant", { id: 2n, ttl: 9_000 }),
  as("", "put", put("secret", { lease: 1n })),
  as("", "put", put("w1", { lease: 2n })),
  as("", "put", put("r1")),
  as("", "authEnable"),
  as("", "authEnable"),
  as("", "authenticate", { name: "root", password: "wrong" }),
  as("", "authenticate", { name: "nobody", password: "pw" }),
  as("", "authenticate", { name: "silent", password: "pw" }),
  as("", "authenticate", { name: "root", password: "pw" }),
  as("", "authenticate", { name: "ann", password: "pw" }),
  as("root", "roleAdd", { name: "root" }),
  as("root", "roleGet", { role: "root" }),
  as("root", "userDelete", { name: "root" }),
  as("root", "userRevokeRole", { name: "root", role: "root" }),
  as("root", "roleDelete", { role: "root" }),
];

/** Every call, by everybody: what is refused, and with which words. */
const everything: readonly Omit<Step, "by">[] = [
  { call: "userChangePassword", request: { name: "eve", hashedPassword: "no base64!" } },
  { call: "userChangePassword", request: { name: "silent", hashedPassword: "no base64!" } },
  { call: "userAdd", request: { name: "long", password: "x".repeat(73) } },
  { call: "authStatus", request: {} },
  { call: "userList", request: {} },
  { call: "roleList", request: {} },
  { call: "userGet", request: { name: "ann" } },
  { call: "userGet", request: { name: "root" } },
  { call: "userGet", request: { name: "none" } },
  { call: "roleGet", request: { role: "some" } },
  { call: "roleGet", request: { role: "root" } },
  { call: "roleGet", request: { role: "none" } },
  { call: "range", request: range("r1") },
  { call: "range", request: { ...range("r1"), serializable: true } },
  { call: "range", request: range("r", "s") },
  { call: "range", request: range("r", "\0") },
  { call: "range", request: range("r", "r\0") },
  { call: "range", request: range("s", "r") },
  { call: "range", request: range("\0", "\0") },
  { call: "range", request: range("secret") },
  { call: "put", request: put("w2") },
  { call: "put", request: put("w2", { prevKv: true }) },
  { call: "put", request: put("w2", { lease: 1n }) },
  { call: "put", request: put("w2", { lease: 2n }) },
  { call: "put", request: put("r1") },
  { call: "put", request: put("both", { prevKv: true }) },
  { call: "deleteRange", request: range("w2") },
  { call: "deleteRange", request: { ...range("w2"), prevKv: true } },
  { call: "deleteRange", request: range("w", "\0") },
  { call: "txn", request: { compare: [{ target: "VERSION", key: key("secret") }] } },
  { call: "txn", request: { compare: [{ target: "VERSION", ...range("r", "\0") }] } },
  { call: "txn", request: { success: [{ requestRange: range("secret") }] } },
  { call: "txn", request: { failure: [{ requestRange: range("r1") }] } },
  { call: "txn", request: { failure: [{ requestPut: put("secret") }] } },
  { call: "txn", request: { success: [{ requestPut: put("w2", { prevKv: true }) }] } },
  { call: "txn", request: { success: [{ requestPut: put("w2", { lease: 1n }) }] } },
  { call: "txn", request: { success: [{ requestDeleteRange: { ...range("w2"), prevKv: true } }] } },
  { call: "txn", request: { success: [{ requestTxn: { failure: [{ requestRange: range("secret") }] } }] } },
  {
    call: "txn",
    request: { success: [{ requestTxn: { compare: [{ target: "VERSION", key: key("secret") }] } }] },
  },
  { call: "watch", request: { createRequest: range("r1") } },
  { call: "watch", request: { createRequest: range("r", "\0") } },
  { call: "watch", request: { createRequest: range("r", "r\0") } },
  { call: "watch", request: { createRequest: range("") } },
  { call: "watch", request: { createRequest: range("secret") } },
  { call: "watch", request: { createRequest: { ...range("secret"), startRevision: -1 } } },
  { call: "watch", request: { createRequest: range("s", "r") } },
  { call: "leaseGrant", request: { id: 2n, ttl: 9_000 } },
  { call: "leaseRevoke", request: { id: 1n } },
  { call: "leaseRevoke", request: { id: 77n } },
  { call: "leaseTimeToLive", request: { id: 1n } },
  { call: "leaseTimeToLive", request: { id: 1n, keys: true } },
  { call: "leaseTimeToLive", request: { id: 2n, keys: true } },
  { call: "leaseTimeToLive", request: { id: 77n, keys: true } },
  { call: "leaseLeases", request: {} },
  { call: "leaseKeepAlive", request: { id: 1n } },
  { call: "leaseKeepAlive", request: { id: 2n } },
  { call: "leaseKeepAlive", request: { id: 77n } },
  { call: "compact", request: { revision: 99_999 } },
  { call: "memberList", request: {} },
  { call: "memberAdd", request: { peerUrls: [] } },
  { call: "memberRemove", request: { id: 99n } },
  { call: "memberPromote", request: { id: 99n } },
  { call: "alarm", request: {} },
  { call: "alarm", request: { action: "DEACTIVATE", alarm: "NOSPACE" } },
  { call: "moveLeader", request: { targetId: 99n } },
  { call: "downgrade", request: { action: "VALIDATE", version: "nonsense" } },
  { call: "lock", request: { name: key("secret"), lease: 2n } },
  { call: "lock", request: { name: key("w"), lease: 2n } },
  { call: "lock", request: { name: key("both"), lease: 77n } },
  { call: "unlock", request: { key: key("secret/2") } },
  { call: "unlock", request: { key: key("w/2") } },
  { call: "leader", request: { name: key("secret") } },
  { call: "leader", request: { name: key("r") } },
  { call: "campaign", request: { name: key("secret"), lease: 1n, value: key("v") } },
  { call: "proclaim", request: { leader: { name: key("secret"), key: key("secret/1"), rev: 1, lease: 1n } } },
  { call: "proclaim", request: {} },
  { call: "resign", request: { leader: { name: key("secret"), key: key("secret/1"), rev: 1, lease: 1n } } },
  { call: "resign", request: {} },
];

/** Earlier ones let through what later releases closed, or fall over it. */
const versions = etcdVersions.filter(({ name }) => name === "etcd 3.7");

for (const { name, server } of versions)
  describe(`users and roles beside ${name}`, function () {
    this.timeout(600_000);
    let theirs: Side;
    let ours: Side;
    before(async () => {
      theirs = new Side(await startStoreProcesses(1, server, flags));
      ours = new Side(await startStoreProcesses(1, pintle, flags));
    });
    after(async () => {
      await theirs?.stop();
      await ours?.stop();
    });

    const compare = async (step: Step, at: number) => {
      const [wanted, got] = await Promise.all([theirs.ask(step), ours.ask(step)]);
      assert.deepEqual(got, wanted, `step ${at}: ${describeStep(step)}`);
    };

    it("are made, and turned on", async () => {
      for (const [at, step] of beginning.entries()) await compare(step, at);
    });

    it("refuse everybody what is not theirs, with the same words", async () => {
      for (const by of ["root", "ann", "", "forged"])
        for (const [at, step] of everything.entries()) await compare({ by, ...step }, at);
    });

    it("are turned off again", async () => {
      for (const [at, step] of [
        as("", "authenticate", { name: "root", password: "pw" }),
        as("", "authDisable"),
        as("root", "authDisable"),
        as("root", "range", range("secret")),
        as("", "range", range("secret")),
        as("", "authStatus"),
        as("", "userDelete", { name: "root" }),
        as("", "userList"),
      ].entries())
        await compare(step, at);
    });
  });

const describeStep = ({ by, call, request }: Step) =>
  `${by || "nobody"}: ${call} ${JSON.stringify(request, (_, value) =>
    typeof value === "bigint"
      ? String(value)
      : value instanceof Uint8Array
        ? Buffer.from(value).toString()
        : value,
  )}`;
