import { deepStrictEqual, ok, rejects, strictEqual } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, systemClock } from "../../base/os/clock.ts";
import { areHeld } from "../../base/testing/collect-garbage.ts";
import { json } from "../client/keyspace/codec.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import { openStore } from "./open-store.ts";

describe("openStore", () => {
  it("answers what was written, in memory, with nothing but a call", async () => {
    await using store = await openStore();
    const { revision } = await store.put("greeting", "hello");
    deepStrictEqual(await store.get("greeting"), {
      key: "greeting",
      keyBytes: new Uint8Array(Buffer.from("greeting")),
      value: "hello",
      createRevision: revision,
      modRevision: revision,
      version: 1,
      lease: 0n,
    });
    strictEqual(await store.get("nothing"), undefined);
    deepStrictEqual(store.urls, []);
  });

  it("opens no socket and no file in memory, and leaves no timer", async () => {
    const handles = () =>
      process.getActiveResourcesInfo().filter((name) => /TCP|Pipe|File|Process/.test(name));
    const before = handles();
    const { clock, pending } = countedTimers();
    const store = await openStore({ clock });
    await store.put("a", "1");
    await store.watch("a").started;
    await store.lease(60);
    await store.lock("l");
    deepStrictEqual(handles(), before);
    ok(pending() > 0);
    await store.close();
    await store.close();
    await store.done;
    strictEqual(pending(), 0);
  });

  it("is closed at once under a clock that stands still, whatever it is at", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-store-"));
    try {
      for (const where of [{}, { folder }, { folder }]) {
        const store = await openStore({ ...where, clock: new ManualClock() });
        await store.put("a", "1");
        const { revision } = await store.put("a", "2");
        await store.lease(60);
        await store.compact(revision);
        await store.close();
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is held by nobody once it is closed, however often", async () => {
    const held: WeakRef<object>[] = [];
    const cycle = async () => {
      const store = await openStore();
      await store.put("a", "1");
      const watch = store.watch("a");
      await watch.started;
      const lease = await store.lease(60);
      await store.lock("l", { lease });
      await store.close();
      for (const one of [store, watch, lease]) held.push(new WeakRef(one));
    };
    for (let n = 0; n < 20; n++) await cycle();
    deepStrictEqual(await areHeld(held), Array(held.length).fill(false));
  });

  it("keeps a folder's data from one life to the next, and lets one store at a time have it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pintle-store-"));
    try {
      const first = await openStore({ folder, codec: json<{ n: number }>() });
      await first.put("a", { n: 1 });
      await rejects(openStore({ folder }), /^Error: folder: .* is in use by another member/);
      await first.close();
      await using second = await openStore({ folder, codec: json<{ n: number }>() });
      deepStrictEqual((await second.get("a"))?.value, { n: 1 });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

/** The system's clock, and how many wait for it. */
function countedTimers(): { readonly clock: Clock; readonly pending: () => number } {
  const waiting = new Set<object>();
  const after: Clock["after"] = (delayMs, fire) => {
    const timer = {};
    waiting.add(timer);
    const cancel = systemClock.after(delayMs, () => {
      waiting.delete(timer);
      fire();
    });
    return () => {
      waiting.delete(timer);
      cancel();
    };
  };
  return { clock: { ...systemClock, after }, pending: () => waiting.size };
}
