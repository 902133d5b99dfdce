import assert from "node:assert/strict";
import { diskOf, memoryOf, observeNode, processNumbersOf } from "./observe-node.ts";

describe("agent/eviction/observe-node", () => {
  it("reads what the kernel says of memory, and nothing where it does not say what is available", () => {
    const text = "MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:  600 kB\n";
    assert.deepEqual(memoryOf(text), [
      ["memory.available", { available: 600 * 1024, capacity: 1000 * 1024 }],
    ]);
    assert.deepEqual(memoryOf("MemTotal: 1000 kB\nMemFree: 1 kB\n"), []);
  });

  it("counts threads against the lowest of the kernel's limits", () => {
    assert.deepEqual(processNumbersOf("1.36 3.49 4.53 2/3518 3715089\n", ["32768\n", "192730\n"]), {
      available: 32_768 - 3518,
      capacity: 32_768,
    });
    assert.deepEqual(processNumbersOf("0 0 0 1/500 9\n", ["400"]), { available: 0, capacity: 400 });
    for (const [loadavg, limits] of [
      ["", ["1"]],
      ["0 0 0 1/5 9", []],
      ["0 0 0 1/5 9", ["many"]],
    ] as const)
      assert.throws(() => processNumbersOf(loadavg, limits), RangeError);
  });

  it("tells bytes from inodes, of either disk", () => {
    const use = { availableBytes: 5, capacityBytes: 10, usedBytes: 4, inodes: 8, inodesFree: 3 };
    assert.deepEqual(diskOf("imagefs", use), [
      ["imagefs.available", { available: 5, capacity: 10 }],
      ["imagefs.inodesFree", { available: 3, capacity: 8 }],
    ]);
  });

  it("leaves out what it cannot read, says so, and reads the rest", async () => {
    const unread: string[] = [];
    const found = await observeNode(
      { rootDir: "/", imageDir: async () => "/nowhere", podsMemory: () => Promise.reject(new Error("gone")) },
      (what) => unread.push(what),
    );
    assert.deepEqual(
      [...found.keys()],
      ["memory.available", "pid.available", "nodefs.available", "nodefs.inodesFree"],
    );
    assert.deepEqual(unread, ["the disk of images", "the memory of pods"]);
    for (const { available, capacity } of found.values()) assert.ok(available >= 0 && available <= capacity);
  });
});
