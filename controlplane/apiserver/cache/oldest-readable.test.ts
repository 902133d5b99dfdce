import assert from "node:assert/strict";
import { systemClock } from "../../../base/os/clock.ts";
import { MemoryStorage } from "../registry/memory-storage.ts";
import { oldestReadable } from "./oldest-readable.ts";

describe("the oldest readable revision", () => {
  const stored = async (compacted: number) => {
    const storage = new MemoryStorage(systemClock);
    for (let n = 0; n < 1000; n++)
      await storage.commit({ compare: [], writes: [{ type: "put", key: "a", value: new Uint8Array(0) }] });
    await storage.compact(compacted);
    return storage;
  };

  it("is the one asked for where nothing of that is compacted", async () => {
    assert.equal(await oldestReadable(await stored(100), 100, 1001), 100);
  });

  it("is little after where the store was compacted to, and never before", async () => {
    for (const compacted of [2, 17, 500, 990, 1001]) {
      const found = await oldestReadable(await stored(compacted), 1, 1001);
      assert.ok(found >= compacted && found <= Math.min(1001, compacted + 16), `${compacted}: ${found}`);
    }
  });
});
