import assert from "node:assert/strict";
import { silentLog } from "../../base/os/log.ts";
import { ManualClock } from "../driver/fixtures/rig.ts";
import { StoreError } from "../errors.ts";
import { AutoCompactor, type AutoCompactorParts } from "./auto-compactor.ts";
import type { AutoCompaction } from "./compaction-plan.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** A store whose revision is set by hand, and what its compactor asked of it: [time, revision]. */
function rig(options: AutoCompaction) {
  const clock = new ManualClock();
  const asked: [number, number][] = [];
  const state = { revision: 1 };
  const status = { role: "leader" };
  let failure: StoreError | undefined;
  const compactor = new AutoCompactor(options, {
    clock,
    log: silentLog,
    state,
    consensus: { status } as AutoCompactorParts["consensus"],
    proposer: {
      propose: async (_kind: unknown, body: unknown) => {
        asked.push([clock.monotonicMs(), (body as { revision: number }).revision]);
        if (failure !== undefined) throw failure;
      },
    } as unknown as AutoCompactorParts["proposer"],
  });
  return {
    asked,
    state,
    status,
    stop: () => compactor.stop(),
    fail: (error?: StoreError) => {
      failure = error;
    },
    /** Lets time pass in steps; the revision grows by one in each. */
    async pass(steps: number, stepMs: number, grow = 1): Promise<void> {
      for (let step = 0; step < steps; step++) {
        state.revision += grow;
        clock.jump(stepMs);
        for (let turn = 0; turn < 10; turn++) await Promise.resolve();
      }
    },
  };
}

describe("auto-compaction by time", () => {
  for (const [name, periodMs, everyMs] of [
    ["5 s", 5_000, 500],
    ["10 min", 10 * minuteMs, minuteMs],
    ["1 h", hourMs, 6 * minuteMs],
    ["24 h", 24 * hourMs, 6 * minuteMs],
  ] as const)
    it(`keeps ${name} of history: at first nothing for so long, then to what was the revision then`, async () => {
      const { asked, pass } = rig({ mode: "periodic", periodMs });
      const intervalMs = Math.min(periodMs, hourMs);
      const notes = periodMs / everyMs;
      await pass(notes - 1, everyMs);
      assert.deepEqual(asked, []);
      await pass(1 + 30, everyMs);
      // The revision at a time is 1 + time / everyMs. As in etcd, all but the first are noted one step before the period.
      const revisionAt = (timeMs: number) => 1 + Math.max(0, timeMs) / everyMs;
      const times = [0, 1, 2, 3].map((more) => periodMs + more * intervalMs);
      assert.deepEqual(
        asked,
        times.map((timeMs) => [timeMs, revisionAt(timeMs - periodMs - everyMs)]),
      );
    });

  it("does nothing while nothing changes", async () => {
    const { asked, pass } = rig({ mode: "periodic", periodMs: 10 * minuteMs });
    await pass(40, minuteMs, 0);
    assert.deepEqual(asked, [[10 * minuteMs, 1]]);
  });

  it("tries again after a tenth of the interval when it failed, and takes what others compacted for done", async () => {
    const { asked, pass, fail } = rig({ mode: "periodic", periodMs: 10 * minuteMs });
    fail(new StoreError("TIMEOUT"));
    await pass(12, minuteMs);
    assert.deepEqual(asked, [
      [10 * minuteMs, 1],
      [11 * minuteMs, 1],
      [12 * minuteMs, 2],
    ]);
    fail(new StoreError("COMPACTED"));
    await pass(10, minuteMs);
    assert.deepEqual(asked.slice(3), [[13 * minuteMs, 3]]);
  });

  it("notes revisions on every member, and compacts where this one leads", async () => {
    const { asked, pass, status, stop } = rig({ mode: "periodic", periodMs: 10 * minuteMs });
    status.role = "follower";
    await pass(30, minuteMs);
    assert.deepEqual(asked, []);
    status.role = "leader";
    await pass(1, minuteMs);
    assert.deepEqual(asked, [[31 * minuteMs, 21]]);
    stop();
    await pass(30, minuteMs);
    assert.equal(asked.length, 1);
  });
});

describe("auto-compaction by revisions", () => {
  it("keeps the last so many, looking every five minutes", async () => {
    const { asked, pass } = rig({ mode: "revision", revisions: 1000 });
    await pass(4, minuteMs, 1000);
    assert.deepEqual(asked, []);
    await pass(1, minuteMs, 1000);
    assert.deepEqual(asked, [[5 * minuteMs, 4001]]);
    await pass(5, minuteMs, 0);
    assert.equal(asked.length, 1, "nothing new");
    await pass(5, minuteMs, 1);
    assert.deepEqual(asked.slice(1), [[15 * minuteMs, 4006]]);
  });

  it("does nothing while there are not more", async () => {
    const { asked, pass } = rig({ mode: "revision", revisions: 1000 });
    await pass(10, minuteMs, 99);
    assert.deepEqual(asked, []);
  });
});
