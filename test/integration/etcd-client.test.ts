import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { connect, json, LeaseLostError, type Watch, type WatchEvent } from "../../lib/etcd.ts";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";
import { etcdVersions } from "./etcd-versions.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** Those of `etcd-versions.ts`; without any, one that is skipped by name. */
const etcds = (etcdVersions.length > 0 ? etcdVersions : [{ name: "etcd", server: [] }]).map(
  ({ name, server }) => ({ name, command: server }),
);

/** What users of `pintle/etcd` do, with etcd and with our own store. */
for (const { name, command } of [...etcds, { name: "pintle", command: pintle }])
  describe(`the client of pintle/etcd with three members of ${name}`, function () {
    this.timeout(300_000);
    let cluster: StoreProcesses;
    before(async function () {
      if (command.length === 0) {
        console.log("      skipped: no etcd on this machine (Debian: etcd-server)");
        return this.skip();
      }
      cluster = await startStoreProcesses(3, command, ["--bcrypt-cost=4"]);
    });
    after(() => cluster?.stop());

    it("goes on with another member when one dies, and its watches miss and repeat nothing", async () => {
      await using client = connect(cluster.endpoints);
      const numbers = client.namespace("over/", json<number>());
      const watch = numbers.watch({ prefix: "" });
      await watch.started;
      const told = take(watch, 60);
      for (let n = 0; n < 60; n++) {
        if (n === 20) await cluster.kill(0); // which all is asked of
        if (n === 40) await cluster.start(0);
        // What became of a write that got no answer nobody knows; this one can be done again.
        await untilDone(() => numbers.update(`${n}`, (value) => (value === undefined ? n : undefined)));
      }
      deepStrictEqual(
        (await told).map(({ entry }) => entry?.value),
        Array.from({ length: 60 }, (_, n) => n),
      );
      const members = await client.members();
      deepStrictEqual(members.map((one) => one.name).sort(), ["m0", "m1", "m2"]);
      const { id, leader, version } = await client.status(cluster.endpoints[0] ?? "");
      ok(members.some((one) => one.id === id) && leader !== 0n && /^3\./.test(version));
    });

    it("says that the history a watch needs was compacted, and watches on where there is some", async () => {
      await using client = connect(cluster.endpoints);
      const { revision } = await client.put("compacted", "1");
      await using watch = client.watch("compacted", { from: revision });
      strictEqual((await take(watch, 1))[0]?.entry?.value, "1");
      const { revision: last } = await client.put("compacted", "2");
      await client.compact(last);
      await rejects(take(client.watch("compacted", { from: revision }), 1), {
        code: "COMPACTED",
        compactRevision: last,
      });
      strictEqual((await take(client.watch("compacted", { from: last }), 1))[0]?.entry?.value, "2");
    });

    it("gives a lock to whoever waits longest, and to the next one when a holder is lost", async () => {
      await using first = connect(cluster.endpoints);
      await using second = connect(cluster.endpoints);
      await using third = connect(cluster.endpoints);
      const lease = await first.lease(60);
      const held = await first.lock("job", { lease });
      strictEqual(await second.tryLock("job"), undefined);
      const order: string[] = [];
      const inLine = async (client: typeof first, who: string, waiting: number) => {
        const lock = client.lock("job", { ttlSeconds: 60 }).then((got) => {
          order.push(who);
          return got;
        });
        await untilCount(first, "job/", waiting);
        return { lock };
      };
      const waitingSecond = await inLine(second, "second", 2);
      const waitingThird = await inLine(third, "third", 3);
      const lost = new Promise<void>((resolve) => held.signal.addEventListener("abort", () => resolve()));
      await second.delete({ prefix: `job/${lease.id.toString(16)}` });
      await lost;
      ok(held.signal.reason instanceof LeaseLostError);
      const got = await waitingSecond.lock;
      ok(got.revision > held.revision && !got.signal.aborted);
      await got.release();
      const last = await waitingThird.lock;
      deepStrictEqual(order, ["second", "third"]);
      ok(last.revision > got.revision);
      await last.release();
      await held.release();
      strictEqual(await first.count({ prefix: "job/" }), 0);
    });

    it("stands in one line with etcdctl", async function () {
      if (etcdMissing) {
        console.log("      skipped: no etcdctl on this machine (Debian: etcd-client)");
        return this.skip();
      }
      await using client = connect(cluster.endpoints);
      const lock = await client.lock("shared", { ttlSeconds: 60 });
      const other = spawn(
        "etcdctl",
        [`--endpoints=${cluster.endpoints[0]}`, "lock", "shared", "echo", "got it"],
        {
          env: { ...process.env, ETCDCTL_API: "3" },
        },
      );
      try {
        const ended = once(other, "close");
        let said = "";
        other.stdout.on("data", (chunk: Buffer) => {
          said += chunk;
        });
        await untilCount(client, "shared/", 2);
        strictEqual(said, "");
        await lock.release();
        deepStrictEqual(await ended, [0, null]);
        strictEqual(said, "got it\n");
      } finally {
        other.kill("SIGKILL");
      }
    });

    it("elects one of several, hands over, and has observers hear of each", async () => {
      await using client = connect(cluster.endpoints);
      const election = client.election("leader");
      const end = new AbortController();
      const heard: (string | undefined)[] = [];
      const observing = (async () => {
        for await (const leader of election.observe({ signal: end.signal })) {
          heard.push(leader?.value);
          if (leader?.value === "second") end.abort();
        }
      })();
      const first = await election.campaign("first", { ttlSeconds: 60 });
      const second = election.campaign("second", { ttlSeconds: 60 });
      await untilCount(client, "leader/", 2);
      await first.proclaim("first again");
      strictEqual((await election.leader())?.value, "first again");
      await first.resign();
      await rejects(first.proclaim("late"), LeaseLostError);
      await (await second).resign();
      await observing;
      // What an observer is told first depends on when it came.
      deepStrictEqual(heard.slice(heard.indexOf("first again") - 1), ["first", "first again", "second"]);
    });

    it("loses a lease that is revoked elsewhere, and everything that hangs on it", async () => {
      await using client = connect(cluster.endpoints);
      const lease = await client.lease(5);
      await client.put("leased", "1", { lease });
      strictEqual((await client.get("leased"))?.lease, lease.id);
      ok((await lease.secondsLeft()) > 0);
      const lock = await client.lock("leased-lock", { lease });
      const lost = new Promise<void>((resolve) => lock.signal.addEventListener("abort", () => resolve()));
      await using other = connect(cluster.endpoints);
      await other.namespace("leased-lock/").delete({ prefix: "" });
      await lost;
      await lease.revoke();
      await lease.revoke();
      strictEqual(await client.get("leased"), undefined);
      strictEqual(await lease.secondsLeft(), -1);
      strictEqual(await lease.renew(), 0);
    });

    it("logs in, may what its user may, and logs in again when a member has forgotten its token", async () => {
      const { endpoints } = cluster;
      const [root, ann] = [
        { name: "root", password: "pw" },
        { name: "ann", password: "secret" },
      ];
      await using admin = connect({ endpoints, user: root });
      await admin.users.add(root.name, root.password);
      await admin.users.give("root", "root");
      await admin.users.roles.add("readers");
      await admin.users.roles.allow("readers", "read", { prefix: "r/" });
      await admin.users.add(ann.name, ann.password);
      await admin.users.give(ann.name, "readers");
      await admin.users.enable();
      try {
        await using client = connect({ endpoints, user: ann });
        await admin.put("r/a", "1");
        strictEqual((await client.get("r/a"))?.value, "1");
        await rejects(client.put("r/a", "2"), { code: "PERMISSION_DENIED" });
        await using watch = client.watch({ prefix: "r/" });
        await watch.started;
        await rejects(take(client.watch({ prefix: "w/" }), 1), /permission denied/);
        await using eve = connect({ endpoints, user: { name: ann.name, password: "wrong" } });
        await rejects(eve.get("r/a"), { code: "AUTH_FAILED" });
        await rejects(take(eve.watch("r/a"), 1), { code: "AUTH_FAILED" });
        await using nobody = connect(cluster.endpoints);
        await rejects(nobody.get("r/a"), { code: "USER_EMPTY" });
        for (const member of [0, 1, 2]) {
          await cluster.kill(member); // which forgets its tokens
          await cluster.start(member);
        }
        await untilDone(async () => strictEqual((await client.get("r/a"))?.value, "1"));
        const told = take(watch, 1);
        await untilDone(() => admin.update("r/b", () => "2"));
        strictEqual((await told)[0]?.entry?.value, "2");
        deepStrictEqual(await admin.users.list(), ["ann", "root"]);
        deepStrictEqual(await admin.users.rolesOf("ann"), ["readers"]);
        await admin.users.roles.forbid("readers", { prefix: "r/" });
        await rejects(client.get("r/a"), { code: "PERMISSION_DENIED" });
        await admin.users.take("ann", "readers");
        await admin.users.remove("ann");
        await rejects(client.get("r/a"), { code: "AUTH_FAILED" });
      } finally {
        await untilDone(() => admin.users.disable());
      }
    });
  });

/** So many events. */
async function take<V>(watch: Watch<V>, count: number): Promise<readonly WatchEvent<V>[]> {
  const events: WatchEvent<V>[] = [];
  for await (const event of watch) if (events.push(event) >= count) break;
  return events;
}

/** Does it again for as long as no member is there to say what became of it. */
async function untilDone(act: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      const status = error instanceof Error && "status" in error ? error.status : "";
      if (status !== "UNAVAILABLE" && status !== "DEADLINE_EXCEEDED") throw error;
    }
  }
}

/** Resolves when so many keys are there. */
async function untilCount(client: ReturnType<typeof connect>, prefix: string, count: number): Promise<void> {
  const { entries, revision } = await client.keys({ prefix });
  let found = entries.length;
  if (found === count) return;
  for await (const { type } of client.watch({ prefix }, { from: revision + 1 })) {
    found += type === "put" ? 1 : -1;
    if (found === count) return;
  }
}
