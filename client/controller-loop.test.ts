import assert from "node:assert/strict";
import { AssertionError } from "../base/assert.ts";
import { deferred } from "../base/deferred.ts";
import { silentLog } from "../base/os/log.ts";
import { Prng } from "../base/os/random.ts";
import { runController } from "./controller-loop.ts";
import { ManualClock, settle } from "./testing/manual-clock.ts";
import { WorkQueue } from "./work-queue.ts";

describe("client/controller-loop", () => {
  const make = () => {
    const clock = new ManualClock();
    const queue = new WorkQueue(
      { clock, random: new Prng(1) },
      { backoff: { firstMs: 10, mostMs: 100, jitter: 0 } },
    );
    return { clock, queue, base: { name: "test", workers: 2, queue, log: silentLog, clock } };
  };

  it("tries a failed key again after its back-off, and a satisfied one when it asked", async () => {
    const { clock, queue, base } = make();
    const stop = new AbortController();
    const calls: number[] = [];
    const running = runController(
      {
        ...base,
        sync: async () => {
          calls.push(clock.monotonicMs());
          if (calls.length < 3) throw new Error("not yet");
          return calls.length === 3 ? { requeueAfterMs: 500 } : undefined;
        },
      },
      stop.signal,
    );
    queue.add("a");
    await clock.advance(2000);
    assert.deepEqual(calls, [0, 10, 30, 530]);
    stop.abort();
    await running;
  });

  it("never works on one key twice at once, and ends only when its syncs did", async () => {
    const { queue, base } = make();
    const stop = new AbortController();
    const gate = deferred<void>();
    let busy = 0;
    let ended = false;
    const sync = async () => {
      assert.equal(++busy, 1);
      await gate.promise;
      busy--;
    };
    const running = runController({ ...base, sync }, stop.signal).then(() => {
      ended = true;
    });
    queue.add("a");
    await settle();
    queue.add("a");
    stop.abort();
    await settle();
    assert.equal(ended, false);
    gate.resolve();
    await running;
    assert.equal(busy, 0);
  });

  it("stops at a broken invariant", async () => {
    const { queue, base } = make();
    const sync = async () => {
      throw new AssertionError("two and two are five");
    };
    const stop = new AbortController();
    const running = runController({ ...base, workers: 1, sync }, stop.signal);
    queue.add("a");
    await assert.rejects(running, /two and two/);
  });
});
