import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { deferred } from "../../../base/deferred.ts";
import type { Keyspace, Lease } from "./api.ts";
import { json } from "./codec.ts";
import { LeaseLostError } from "./lease.ts";
import { CuttableStore } from "./testing/cuttable-store.ts";

describe("a lease", () => {
  let world: CuttableStore;
  let keys: Keyspace<string>;
  beforeEach(async () => {
    world = new CuttableStore();
    keys = await world.open();
  });
  afterEach(() => world.close());

  it("is renewed each third of its time, and lives for as long as it is", async () => {
    const lease = await keys.lease(6);
    await keys.put("a", "1", { lease });
    for (let n = 0; n < 10; n++) {
      const renewed = deferred<void>();
      world.onRenewal = renewed.resolve;
      await world.pass(2_000);
      await renewed.promise;
    }
    strictEqual((await keys.get("a"))?.value, "1");
    ok(!lease.signal.aborted);
  });

  it("that nobody renews ends with its keys", async () => {
    const lease = await keys.lease(6, { renew: false });
    await keys.put("a", "1", { lease });
    await world.pass(4_000);
    strictEqual(await lease.renew(), 6);
    await world.pass(5_000);
    strictEqual((await keys.get("a"))?.value, "1");
    await world.pass(2_000);
    strictEqual(await keys.get("a"), undefined);
    strictEqual(await lease.renew(), 0);
    ok(lease.signal.reason instanceof LeaseLostError);
  });

  it("is taken for lost when it could not be renewed within its time, and not before", async () => {
    const lease = await keys.lease(6);
    await world.pass(2_000);
    world.cut();
    for (let ms = 0; ms < 5_500; ms += 100) await world.pass(100);
    ok(!lease.signal.aborted, "it may live yet");
    await world.pass(600);
    strictEqual(reasonOf(lease), "the lease was not renewed within its 6 s");
  });

  it("survives a way that is cut for a while", async () => {
    const lease = await keys.lease(6);
    world.cut();
    for (let ms = 0; ms < 5_000; ms += 100) await world.pass(100);
    world.mend();
    for (let ms = 0; ms < 10_000; ms += 500) await world.pass(500);
    ok(!lease.signal.aborted);
    ok((await lease.secondsLeft()) > 0);
  });

  it("is lost when it was revoked elsewhere, and with its client", async () => {
    const [one, other] = [await keys.lease(6), await keys.lease(6)];
    const revoked = await keys.lease(6, { renew: false });
    await revoked.revoke();
    strictEqual(reasonOf(revoked), "the lease was given back");
    await keys.txn().do({ put: "a", value: "1", lease: one.id }).commit();
    await world.revoke(one.id);
    await world.pass(2_000);
    strictEqual(reasonOf(one), "the lease expired or was revoked");
    world.closeClient();
    strictEqual(reasonOf(other), "the client was closed, and renews the lease no more");
  });

  it("is had by one holder of a lock after the other, by those who wait in the order in which they came", async () => {
    const order: number[] = [];
    const end = new AbortController();
    const first = await keys.lock("l", { ttlSeconds: 6 });
    const waiting: Promise<void>[] = [];
    for (const n of [1, 2, 3]) {
      const lock = keys.lock("l", { ttlSeconds: 6, ...(n === 2 && { signal: end.signal }) });
      waiting.push(
        lock.then(async (had) => {
          order.push(n);
          await had.release();
        }),
      );
      waiting.at(-1)?.catch(() => undefined); // it is looked at below
      while ((await keys.count({ prefix: "l/" })) <= n);
    }
    end.abort(new Error("no more"));
    await rejects(waiting[1] as Promise<void>, /no more/);
    strictEqual(await keys.tryLock("l"), undefined);
    await first.release();
    await Promise.all([waiting[0], waiting[2]]);
    deepStrictEqual(order, [1, 3]);
    strictEqual((await keys.keys({ prefix: "l/" })).count, 0);
  });

  it("lets an election be observed until its reader ends it, whatever those who do not lead say", async () => {
    const numbers = keys.as(json<number>());
    const observed = numbers.election("e").observe();
    strictEqual((await observed.next()).value, undefined);
    await numbers.election("e").campaign(1);
    strictEqual((await observed.next()).value?.value, 1);
    const next = observed.next();
    const other = keys.election("e").campaign("no JSON");
    other.catch(() => undefined); // it waits to the end
    while ((await keys.count({ prefix: "e/" })) < 2);
    await observed.return();
    strictEqual((await next).done, true);
    const end = new AbortController();
    const until = numbers.election("e").observe({ signal: end.signal });
    strictEqual((await until.next()).value?.value, 1);
    end.abort();
    strictEqual((await until.next()).done, true);
  });

  it("tells who observes no more of an election once they have ended it, also of what came together", async () => {
    await keys.put("e/1", "first");
    const end = new AbortController();
    const told: unknown[] = [];
    for await (const leader of keys.election("e").observe({ signal: end.signal })) {
      told.push(leader?.value);
      if (leader === undefined) end.abort();
      else await keys.txn().do({ delete: "e/1" }, { put: "e/2", value: "second" }).commit();
    }
    deepStrictEqual(told, ["first", undefined]);
  });

  it("keeps no place in line for who gave up, however early, nor loses one that another call stands in", async () => {
    const held = await keys.lock("l");
    const lease = await keys.lease(60);
    for (const turns of [0, 1, 2, 5, 20]) {
      const end = new AbortController();
      const asked = keys.lock("l", { lease, signal: end.signal });
      asked.catch(() => undefined); // it is looked at below
      for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
      end.abort(new Error("no more"));
      await rejects(asked, /no more/);
      // What was under way is done by then: writes are done in their order.
      for (let n = 0; n < 3; n++) await keys.put("after", `${n}`);
      strictEqual(await keys.count({ prefix: "l/" }), 1, `after ${turns}`);
    }
    const waiting = keys.lock("l", { lease });
    while ((await keys.count({ prefix: "l/" })) < 2);
    strictEqual(await keys.tryLock("l", { lease }), undefined);
    strictEqual(await keys.count({ prefix: "l/" }), 2);
    await held.release();
    await (await waiting).release();
  });

  it("loses a lock when its time is over, and the next one has it", async () => {
    const lock = await keys.lock("l", { ttlSeconds: 6 });
    world.cut();
    for (let ms = 0; ms <= 6_500; ms += 500) await world.pass(500);
    ok(lock.signal.aborted);
    world.mend();
    for (let ms = 0; ms <= 3_000; ms += 500) await world.pass(500); // the store looks now and then
    await using next = await keys.lock("l", { ttlSeconds: 6 });
    ok(next.revision > lock.revision);
    await lock.release();
    ok(!next.signal.aborted);
  });
});

function reasonOf(lease: Lease): string {
  ok(lease.signal.aborted && lease.signal.reason instanceof LeaseLostError);
  return lease.signal.reason.message;
}
