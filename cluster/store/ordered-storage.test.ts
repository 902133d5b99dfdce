import assert from "node:assert/strict";
import { systemClock } from "../../base/os/clock.ts";
import { Prng } from "../../base/os/random.ts";
import { MemoryStorage } from "../../controlplane/apiserver/registry/memory-storage.ts";
import { storageSuite } from "../../controlplane/apiserver/registry/storage.suite.ts";
import type { StorageError, Write } from "../../controlplane/apiserver/registry/storage.ts";
import { OrderedStorage } from "./ordered-storage.ts";

storageSuite("of a cluster in a test", async () => ({
  storage: new OrderedStorage(systemClock),
  prefix: "/registry/suite/",
}));

describe("cluster/store/ordered-storage", () => {
  const put = (key: string, text: string): Write => ({ type: "put", key, value: Buffer.from(text) });

  it("does what the dumb twin does, with every older revision, compacted or not", async () => {
    for (const seed of [1, 2, 3]) {
      const random = new Prng(seed);
      const [ours, twin] = [new OrderedStorage(systemClock), new MemoryStorage(systemClock)];
      for (let step = 0; step < 400; step++) {
        const key = `/r/${random.uint32() % 12}`;
        const write: Write = random.uint32() % 3 === 0 ? { type: "delete", key } : put(key, `${step}`);
        const compare = random.uint32() % 4 === 0 ? [{ key, modRevision: random.uint32() % 3 }] : [];
        const told = await Promise.all([ours, twin].map((one) => one.commit({ compare, writes: [write] })));
        assert.deepEqual(told[0], told[1]);
        const compacted = random.uint32() % 2 ? step : Math.floor(step / 2);
        if (step % 50 === 49) await Promise.all([ours, twin].map((one) => one.compact(compacted)));
        const revision = 1 + (random.uint32() % (step + 3));
        const options = { revision, limit: random.uint32() % 5, startKey: `/r/${random.uint32() % 12}` };
        const listed = await Promise.all(
          [ours, twin].map((one) => one.list("/r/", options).catch((error: StorageError) => error.code)),
        );
        assert.deepEqual(listed[0], listed[1], `seed ${seed}, step ${step}`);
      }
    }
  });

  it("forgets by itself what nobody is likely to ask for", async () => {
    const storage = new OrderedStorage(systemClock, { revisionsMost: 100 });
    for (let at = 0; at < 202; at++) await storage.commit({ compare: [], writes: [put("/r/a", `${at}`)] });
    await assert.rejects(storage.list("/r/", { revision: 50 }), { code: "compacted" });
    const stop = new AbortController();
    await assert.rejects(storage.watch("/r/", 50, stop.signal).next(), { code: "compacted" });
    const { value } = await storage.watch("/r/", 150, stop.signal).next();
    assert.equal(value?.revision, 150);
  });

  it("is down after a crash, and has what it had after a restart", async () => {
    const storage = new OrderedStorage(systemClock);
    await storage.commit({ compare: [], writes: [put("/r/a", "1")] });
    const next = storage.watch("/r/", 3, new AbortController().signal).next();
    storage.crash();
    await assert.rejects(next, { code: "unavailable" });
    await assert.rejects(storage.get("/r/a"), { code: "unavailable" });
    storage.restart();
    assert.equal((await storage.list("/r/")).count, 1);
  });
});
