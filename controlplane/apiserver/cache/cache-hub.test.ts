import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../../../base/os/clock.ts";
import { silentLog } from "../../../base/os/log.ts";
import { systemRandom } from "../../../base/os/random.ts";
import { ManualClock } from "../../../client/testing/manual-clock.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import type { ChangeBatch, ListOptions, ListResult, Storage } from "../registry/storage.ts";
import { StorageError } from "../registry/storage.ts";
import { encodeStored, objectKey } from "../registry/stored-object.ts";
import { configMaps } from "../resources/configmaps.ts";
import { nodes } from "../resources/nodes.ts";
import { secrets } from "../resources/secrets.ts";
import { CacheHub, entriesAtOnce, singleReadsMax, singleReadsWindowMs } from "./cache-hub.ts";

/** A storage whose watch can be broken, and held back. */
class Faulty extends MemoryStorage {
  break: ((error: Error) => void) | undefined;
  /** Called with how many entries each list brings. */
  onListed: (entries: number) => Promise<unknown> = async () => {};

  override async list(prefix: string, options?: ListOptions): Promise<ListResult> {
    const listed = await super.list(prefix, options);
    await this.onListed(listed.entries.length);
    return listed;
  }

  override async *watch(prefix: string, from: number, signal: AbortSignal): AsyncGenerator<ChangeBatch> {
    const inner = new AbortController();
    let failure: Error | undefined;
    signal.addEventListener("abort", () => inner.abort());
    this.break = (error) => {
      failure = error;
      inner.abort();
    };
    yield* super.watch(prefix, from, inner.signal);
    if (failure !== undefined) throw failure;
  }
}

describe("cache hub", () => {
  let storage: Faulty;
  let hub: CacheHub;
  let stop: AbortController;
  let running: Promise<void>;
  beforeEach(() => {
    storage = new Faulty(systemClock);
    hub = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
    stop = new AbortController();
    running = hub.run(stop.signal);
  });
  afterEach(async () => {
    stop.abort();
    await running.catch((error: unknown) => assert.ok(stop.signal.aborted, String(error)));
    await storage.close();
  });

  const put = (to: Storage, name: string) => {
    const metadata = {
      name,
      namespace: "a",
      uid: "u",
      resourceVersion: "",
      creationTimestamp: "2026-01-01T00:00:00Z",
    };
    const value = encodeStored({ apiVersion: "v1", kind: "ConfigMap", metadata });
    return to.commit({
      compare: [],
      writes: [{ type: "put", key: objectKey(configMaps, "a", name), value }],
    });
  };
  const names = async () =>
    (await hub.consistent(configMaps)).list("/registry/configmaps/").map((one) => one.object.metadata.name);

  it("tells who waits for a store that never answered that the end has come", async () => {
    const mute = Object.assign(new MemoryStorage(systemClock), { revision: () => new Promise(() => {}) });
    const waiting = new CacheHub({ storage: mute, clock: systemClock, random: systemRandom, log: silentLog });
    const ending = new AbortController();
    void waiting.run(ending.signal);
    const told = [waiting.cache(configMaps), waiting.untilStarted()].map((one) =>
      one.then(
        () => "started",
        (error: unknown) => error,
      ),
    );
    ending.abort();
    assert.deepEqual(await Promise.all(told), [ending.signal.reason, ending.signal.reason]);
    await mute.close();
  });

  it("shows every write acknowledged before it was asked", async () => {
    const made: string[] = [];
    for (let n = 10; n < 30; n++) {
      await put(storage, `c${n}`);
      made.push(`c${n}`);
      assert.deepEqual(await names(), made);
    }
  });

  it("reads a kind some objects at a time, and misses nothing that is written in between", async () => {
    const made = Array.from({ length: 2 * entriesAtOnce + 1 }, (_, n) => `c${10_000 + n}`);
    for (const name of made) await put(storage, name);
    // Else all of it would be in the stream, which begins back in the history.
    await storage.compact(await storage.revision());
    const pages: number[] = [];
    storage.onListed = async (entries) => {
      if (entries === 0) return;
      pages.push(entries);
      await put(storage, `b${pages.length}`);
      await put(storage, `d${pages.length}`);
    };
    const later = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
    const following = new AbortController();
    const followed = later.run(following.signal);
    await later.untilStarted();
    const cache = await later.consistent(configMaps);
    const found = cache.list("/registry/configmaps/").map(({ key }) => key.slice(key.lastIndexOf("/") + 1));
    assert.deepEqual(found, ["b1", "b2", "b3", ...made, "d1", "d2", "d3"]);
    assert.deepEqual(pages, [entriesAtOnce, entriesAtOnce, 1]);
    following.abort();
    await followed;
  });

  it("gets there too when only others' keys moved the store's revision", async () => {
    await put(storage, "c");
    await names();
    await storage.commit({ compare: [], writes: [{ type: "put", key: "/other", value: new Uint8Array(0) }] });
    assert.deepEqual(await names(), ["c"]);
  });

  it("loads a kind whose objects are read one by one again and again, and no other", async () => {
    await put(storage, "c");
    for (let n = 1; n < singleReadsMax; n++) hub.noteSingleRead(configMaps);
    hub.noteSingleRead(secrets);
    await hub.consistent(nodes);
    assert.equal(hub.peek(configMaps), undefined);
    hub.noteSingleRead(configMaps);
    while (hub.peek(configMaps) === undefined) await turn();
    assert.equal(hub.peek(configMaps)?.count, 1);
    assert.equal(hub.peek(secrets), undefined);
  });

  it("forgets single reads that lie further back: a kind read once in a while is not loaded", async () => {
    await hub.untilStarted();
    const clock = new ManualClock();
    const seldom = new CacheHub({ storage, clock, random: systemRandom, log: silentLog });
    const following = new AbortController();
    const followed = seldom.run(following.signal);
    await seldom.untilStarted();
    for (let n = 0; n < 2 * singleReadsMax; n++) {
      seldom.noteSingleRead(configMaps);
      await clock.advance(singleReadsWindowMs / (singleReadsMax - 1));
    }
    await seldom.consistent(nodes);
    assert.equal(seldom.peek(configMaps), undefined);
    for (let n = 0; n < singleReadsMax; n++) seldom.noteSingleRead(configMaps);
    while (seldom.peek(configMaps) === undefined) await turn();
    following.abort();
    await followed;
  });

  it("keeps what watches may go on from for kinds that nobody has asked for yet", async () => {
    await put(storage, "before");
    await hub.untilStarted();
    const start = await storage.revision();
    await put(storage, "first");
    await put(storage, "second");
    await storage.commit({
      compare: [],
      writes: [{ type: "delete", key: objectKey(configMaps, "a", "before") }],
    });
    assert.deepEqual(await names(), ["first", "second"]);
    const { window } = await hub.cache(configMaps);
    assert.ok(window.floorRevision <= start, `${window.floorRevision} <= ${start}`);
    assert.ok(window.count >= 3);
  });

  /** Another hub on the same storage, until the test is over. */
  const secondHub = () => {
    const second = new CacheHub({ storage, clock: systemClock, random: systemRandom, log: silentLog });
    const ended = second.run(stop.signal);
    running = Promise.all([running, ended]).then(() => undefined);
    return second;
  };

  it("begins back in the store's history, so that watches from before it started go on", async () => {
    const { revision } = await put(storage, "a");
    await put(storage, "b");
    await storage.commit({
      compare: [],
      writes: [{ type: "delete", key: objectKey(configMaps, "a", "a") }],
    });
    const { window } = await secondHub().cache(configMaps);
    const sequence = window.after(revision);
    assert.ok(sequence !== "gone");
    assert.deepEqual(
      [window.at(sequence), window.at(sequence + 1)].map((event) => typeof event === "object" && event.type),
      ["put", "delete"],
    );
  });

  it("begins no earlier than what the store still has", async () => {
    for (let n = 0; n < 100; n++) await put(storage, "a");
    const compacted = await storage.revision();
    await storage.compact(compacted);
    for (let n = 0; n < 100; n++) await put(storage, "a");
    const { window } = await secondHub().cache(configMaps);
    assert.ok(window.floorRevision >= compacted);
    assert.ok(window.after(compacted + 50) !== "gone", `${window.floorRevision} is near ${compacted}`);
  });

  it("shows nobody a state older than the one it started in", async () => {
    for (let n = 0; n < 100; n++) await put(storage, `c${n}`);
    const revision = await storage.revision();
    const second = secondHub();
    const cache = await second.cache(configMaps);
    assert.ok(second.revision >= revision && cache.revision >= revision);
    assert.equal(cache.count, 100);
  });

  it("loads a kind from where history begins, when where its own begins is compacted away", async () => {
    await put(storage, "a");
    await hub.untilStarted();
    for (let n = 0; n < 100; n++) await put(storage, "b");
    const compacted = await storage.revision();
    await storage.compact(compacted);
    for (let n = 0; n < 100; n++) await put(storage, `c${n}`);
    assert.equal((await names()).length, 102);
    const { window } = await hub.cache(configMaps);
    assert.ok(window.after(compacted + 50) !== "gone", `${window.floorRevision} is near ${compacted}`);
  });

  it("loads a kind as it is where the state from before is compacted away", async () => {
    await put(storage, "a");
    await hub.untilStarted();
    await put(storage, "b");
    const { revision } = await put(storage, "c");
    await storage.compact(revision);
    assert.deepEqual(await names(), ["a", "b", "c"]);
  });

  it("misses nothing of a kind whose cache was given up and is asked for again", async () => {
    await put(storage, "a");
    await names();
    await put(storage, "b");
    await names();
    hub.forget(configMaps);
    await put(storage, "c");
    assert.deepEqual(await names(), ["a", "b", "c"]);
    await storage.commit({
      compare: [],
      writes: [{ type: "delete", key: objectKey(configMaps, "a", "b") }],
    });
    assert.deepEqual(await names(), ["a", "c"]);
  });

  it("goes on where it was when the stream breaks, without loading anew", async () => {
    await put(storage, "before");
    const cache = await hub.consistent(configMaps);
    let ended = 0;
    cache.listen({ wake: () => {}, end: () => ended++ });
    storage.break?.(new StorageError("unavailable", "gone"));
    await put(storage, "during");
    assert.deepEqual(await names(), ["before", "during"]);
    assert.equal(ended, 0);
    assert.ok(cache.window.after(cache.revision - 1) !== "gone", "watchers can still resume");
  });

  it("loads anew and ends watchers when history is gone", async () => {
    await put(storage, "before");
    const cache = await hub.consistent(configMaps);
    let ended = 0;
    cache.listen({ wake: () => {}, end: () => ended++ });
    const old = cache.revision;
    const { revision } = await put(storage, "during");
    await storage.compact(revision);
    storage.break?.(new StorageError("compacted", "gone"));
    // The stream starts over after a pause; until then the cache is the old one.
    while ((await hub.cache(configMaps)).window.floorRevision <= old) await new Promise(setImmediate);
    assert.deepEqual(await names(), ["before", "during"]);
    assert.ok(ended > 0);
    assert.equal(cache.window.after(old), "gone");
  });

  it("refuses a revision that the store has not reached", async () => {
    await assert.rejects(hub.notOlderThan(configMaps, 1_000_000n), { code: 504, reason: "Timeout" });
  });
});
