import assert from "node:assert/strict";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import {
  Etcd3,
  EtcdAuthenticationFailedError,
  EtcdLockFailedError,
  type IKeyValue,
  type Watcher,
} from "etcd3";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const pintle = [process.execPath, fileURLToPath(new URL("../../bin/pintle", import.meta.url)), "store"];

/** What users of npm's etcd3 do, with etcd and with ours. */
for (const [name, command] of [
  ["etcd", ["etcd"]],
  ["pintle", pintle],
] as const)
  describe(`recipes of npm's etcd3 with ${name}`, function () {
    this.timeout(120_000);
    let store: StoreProcesses;
    let client: Etcd3;
    before(async function () {
      if (name === "etcd" && etcdMissing) return this.skip();
      store = await startStoreProcesses(1, command, ["--bcrypt-cost=4"]);
      client = new Etcd3({ hosts: [...store.endpoints] });
    });
    after(async () => {
      client?.close();
      await store?.stop();
    });

    it("keeps keys of a namespace apart", async () => {
      const [mine, yours] = [client.namespace("mine/"), client.namespace("yours/")];
      await mine.put("a").value("1");
      await yours.put("a").value("2");
      await mine.put("b").value("3");
      assert.deepEqual(await mine.getAll().strings(), { a: "1", b: "3" });
      assert.deepEqual(await client.getAll().prefix("yours/").keys(), ["yours/a"]);
      assert.equal((await mine.delete().all()).deleted, "2");
      assert.deepEqual(await yours.getAll().strings(), { a: "2" });
    });

    it("takes the branch of a transaction, and changes a key only as it was read", async () => {
      await client.put("count").value("1");
      const swap = (was: string, now: string) =>
        client
          .if("count", "Value", "==", was)
          .then(client.put("count").value(now))
          .else(client.get("count"))
          .commit();
      assert.equal((await swap("1", "2")).succeeded, true);
      const late = await swap("1", "3");
      assert.equal(late.succeeded, false);
      assert.equal(late.responses[0]?.response_range?.kvs[0]?.value.toString(), "2");
      const increments = Array.from({ length: 5 }, () =>
        client.stm({ retries: 50 }).transact(async (tx) => {
          const now = Number(await tx.get("count").number());
          await tx.put("count").value(now + 1);
        }),
      );
      await Promise.all(increments);
      assert.equal(await client.get("count").number(), 7);
    });

    it("holds a lock alone, and lets go of it", async () => {
      const [first, second] = [client.lock("locked"), client.lock("locked")];
      await first.acquire();
      await assert.rejects(second.acquire(), EtcdLockFailedError);
      await first.release();
      await second.do(async () => assert.equal(await client.get("locked").exists(), true));
      assert.equal(await client.get("locked").exists(), false);
    });

    it("keeps a lease alive, and loses its keys with it", async () => {
      const lease = client.lease(60);
      await lease.put("leased").value("1");
      await lease.keepaliveOnce();
      assert.equal(await client.get("leased").string(), "1");
      assert.ok(
        Number((await client.leaseClient.leaseTimeToLive({ ID: await lease.grant(), keys: true })).TTL) > 50,
      );
      await lease.revoke();
      assert.equal(await client.get("leased").string(), null);
    });

    it("elects one of several, and hands over", async () => {
      const elections = [client.election("leader", 60), client.election("leader", 60)] as const;
      const observed = await elections[0].observe();
      const heard: (string | undefined)[] = [];
      const isHeard = (value: string) =>
        new Promise<void>((resolve) => {
          if (observed.leader() === value) return resolve();
          observed.on("change", (leader) => {
            heard.push(leader);
            if (leader === value) resolve();
          });
        });
      const first = elections[0].campaign("first");
      await first.wait();
      await isHeard("first");
      const second = elections[1].campaign("second");
      const isWaiting = once(second, "_isWaiting");
      await first.proclaim("first again");
      await isHeard("first again");
      // The library watches the first one's key from then on, and misses what came before.
      await isWaiting;
      await client.get("any");
      await first.resign();
      await second.wait();
      await isHeard("second");
      assert.equal(await elections[1].leader(), "second");
      await second.resign();
      await observed.cancel();
    });

    it("watches what was and what comes", async () => {
      const { header } = await client.put("watched/a").value("1");
      const watcher = await client
        .watch()
        .prefix("watched/")
        .startRevision(header.revision)
        .withPreviousKV()
        .create();
      const events = eventsOf(watcher, 4);
      await client.put("watched/b").value("2");
      await client.put("watched/a").value("3");
      await client.delete().key("watched/a");
      assert.deepEqual(await events, [
        "put watched/a=1",
        "put watched/b=2",
        "put watched/a=3 was 1",
        "delete watched/a was 3",
      ]);
      await watcher.cancel();
    });

    it("is told that the history it watches is compacted, and watches on from there", async () => {
      const { header } = await client.put("compacted").value("1");
      await client.put("compacted").value("2");
      const { header: last } = await client.put("compacted").value("3");
      await client.kv.compact({ revision: last.revision });
      const watcher = client.watch().key("compacted").startRevision(header.revision).watcher();
      const [failure] = await new Promise<unknown[]>((resolve) => {
        watcher.once("error", (...told) => resolve(told));
        watcher.once("end", () => resolve(["ended"]));
      });
      assert.match(String(failure), /compact|cancel/i);
      const again = await client.watch().key("compacted").startRevision(last.revision).create();
      assert.deepEqual(await eventsOf(again, 1), ["put compacted=3"]);
      await again.cancel();
    });

    it("logs in, does what its user may, and asks for a new token when its old one is gone", async () => {
      const root = client.user("root");
      await root.create("pw");
      await root.addRole("root");
      await client.role("readers").create();
      await client.role("readers").grant({ permission: "Read", range: client.range({ prefix: "r/" }) });
      await client.user("ann").create("secret");
      await client.user("ann").addRole("readers");
      await client.put("r/a").value("1");
      await client.auth.authEnable();
      const as = (username: string, password: string) =>
        new Etcd3({ hosts: [...store.endpoints], auth: { username, password } });
      const [admin, ann, eve] = [as("root", "pw"), as("ann", "secret"), as("ann", "wrong")];
      try {
        assert.equal(await ann.get("r/a").string(), "1");
        await assert.rejects(async () => ann.put("r/a").value("2"), /permission denied/);
        await assert.rejects(async () => eve.get("r/a").string(), EtcdAuthenticationFailedError);
        await store.kill(0);
        await store.start(0); // which forgets simple tokens
        assert.equal(await ann.get("r/a").string(), "1");
        await admin.auth.authDisable();
      } finally {
        for (const one of [admin, ann, eve]) one.close();
      }
    });
  });

/** The next `count` events. */
function eventsOf(watcher: Watcher, count: number): Promise<readonly string[]> {
  const told: string[] = [];
  return new Promise((resolve) => {
    const tell = (kind: string) => (kv: IKeyValue, before?: IKeyValue) => {
      const was = before === undefined || before === null ? "" : ` was ${before.value}`;
      told.push(`${kind} ${kv.key}${kind === "put" ? `=${kv.value}` : ""}${was}`);
      if (told.length === count) resolve(told);
    };
    watcher.on("put", tell("put"));
    watcher.on("delete", tell("delete"));
  });
}
