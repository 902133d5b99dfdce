import assert from "node:assert/strict";
import { must } from "../../base/assert.ts";
import { systemClock } from "../../base/os/clock.ts";
import { systemRandom } from "../../base/os/random.ts";
import { text, utf8 } from "../../base/wire.ts";
import { prefixEnd } from "../../store/client/keys.ts";
import { openStoreClient } from "../../store/client/open-client.ts";
import type { StoreClient } from "../../store/client/store-client.ts";
import { compareMod, opDelete, opGet, opPut } from "../../store/client/txn.ts";
import type { Watcher } from "../../store/client/watcher.ts";
import { etcdMissing, type StoreProcesses, startStoreProcesses } from "./etcd-processes.ts";

const parts = { clock: systemClock, random: systemRandom };

describe("store client against a cluster of etcd", function () {
  this.timeout(300_000);
  let cluster: StoreProcesses;
  let client: StoreClient;
  before(async function () {
    if (etcdMissing) {
      console.log("      skipped: no etcd on this machine (Debian: etcd-server)");
      return this.skip();
    }
    cluster = await startStoreProcesses(3);
    client = openStoreClient({ endpoints: cluster.endpoints }, parts);
  });
  after(async () => {
    client?.close();
    await cluster?.stop();
  });

  it("puts, gets, ranges in pages and deletes", async () => {
    for (let i = 0; i < 7; i++) await client.put(`page/${i}`, `v${i}`);
    const { kv } = await client.get("page/3");
    assert.equal(text(must(kv, "page/3 is there").value), "v3");
    const seen: string[] = [];
    for await (const page of client.pages("page/", { rangeEnd: prefixEnd("page/"), limit: 3 }))
      seen.push(...page.kvs.map((row) => text(row.key)));
    assert.deepEqual(
      seen,
      Array.from({ length: 7 }, (_, i) => `page/${i}`),
    );
    const gone = await client.delete("page/", { rangeEnd: prefixEnd("page/"), prevKv: true });
    assert.equal(gone.deleted, 7);
    assert.equal(gone.prevKvs.length, 7);
  });

  it("guards a write by the mod revision", async () => {
    const first = await client.txn({
      compare: [compareMod("guarded", "EQUAL", 0)],
      success: [opPut("guarded", "1")],
      failure: [opGet("guarded")],
    });
    assert.equal(first.succeeded, true);
    const second = await client.txn({
      compare: [compareMod("guarded", "EQUAL", 0)],
      success: [opPut("guarded", "2")],
      failure: [opGet("guarded"), opDelete("nothing")],
    });
    assert.equal(second.succeeded, false);
    assert.equal(second.responses[0]?.responseRange?.kvs[0]?.modRevision, first.revision);
  });

  it("names etcd's errors", async () => {
    await assert.rejects(client.range("a", { revision: 1_000_000 }), { code: "FUTURE_REVISION" });
    await assert.rejects(client.put("", "x"), { code: "EMPTY_KEY" });
    await assert.rejects(client.revokeLease(77n), { code: "LEASE_NOT_FOUND" });
  });

  it("fails a watch whose history is compacted, with the revision from which there is history", async () => {
    for (let i = 0; i < 3; i++) await client.put("compacted", `${i}`);
    const { revision } = await client.put("compacted", "last");
    await client.compact(revision);
    const watch = client.watch({ key: utf8("compacted"), startRevision: 1 });
    await assert.rejects(
      async () => {
        for await (const batch of watch) assert.notEqual(batch.kind, "events");
      },
      { code: "COMPACTED", compactRevision: revision },
    );
  });

  it("keeps a lease alive and notices when it is gone", async () => {
    const { id } = await client.grantLease(60);
    assert.ok((await client.keepAliveOnce(id)) > 0);
    await client.revokeLease(id);
    assert.equal((await client.leaseTimeToLive(id)).ttlSeconds, -1);
    assert.equal(await client.keepAliveOnce(id), 0);
    const untilClosed = openStoreClient({ endpoints: cluster.endpoints }, parts);
    const keeping = new AbortController().signal;
    await assert.rejects(untilClosed.keepAlive(id, keeping), /requested lease not found/);
    await client.grantLease(60, { id });
    const kept = untilClosed.keepAlive(id, keeping);
    untilClosed.close();
    await kept;
  });

  it("tells progress on request", async () => {
    const { revision } = await client.put("progress", "1");
    const watch = client.watch({ key: utf8("progress"), startRevision: revision });
    assert.equal((await watch.next()).value?.kind, "created");
    assert.equal((await watch.next()).value?.kind, "events");
    assert.equal(client.requestWatchProgress(), true);
    const answer = await watch.next();
    assert.deepEqual(answer.value, { kind: "progress", revision });
    watch.close();
  });

  it("carries watches over the death of the member that served them, without gap or repeat", async () => {
    const { revision } = await client.get("x");
    const watches = Array.from({ length: 20 }, (_, i) =>
      client.watch({
        key: utf8(`over/${i % 4}/`),
        rangeEnd: prefixEnd(`over/${i % 4}/`),
        startRevision: revision + 1,
      }),
    );
    const writer = openStoreClient({ endpoints: cluster.endpoints }, parts);
    const seen = watches.map((watch) => collect(watch, 60));
    const written: string[][] = [[], [], [], []];
    for (let n = 0; n < 240; n++) {
      const key = `over/${n % 4}/${String(n).padStart(4, "0")}`;
      const txn = { compare: [compareMod(key, "EQUAL", 0)], success: [opPut(key, "v")] };
      if (n === 80) await cluster.kill(0); // the endpoint in use by both
      // A write of unknown outcome is tried again under its guard, so each key is written once.
      for (let done = false; !done; )
        done = await writer.txn(txn).then(
          () => true,
          (error: { status?: string }) => {
            if (error.status !== "UNAVAILABLE" && error.status !== "DEADLINE_EXCEEDED") throw error;
            return false;
          },
        );
      written[n % 4]?.push(key);
    }
    const collected = await Promise.all(seen);
    for (const [i, keys] of collected.entries()) assert.deepEqual(keys, written[i % 4]);
    writer.close();
    await cluster.start(0);
  });
});

async function collect(watch: Watcher, count: number): Promise<string[]> {
  const keys: string[] = [];
  for await (const batch of watch) {
    if (batch.kind !== "events") continue;
    for (const event of batch.events) keys.push(text(must(event.kv, "events carry their key").key));
    if (keys.length >= count) break;
  }
  return keys;
}
