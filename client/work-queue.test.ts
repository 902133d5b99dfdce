import assert from "node:assert/strict";
import fc from "fast-check";
import { Prng } from "../base/os/random.ts";
import { ManualClock, settle } from "./testing/manual-clock.ts";
import { WorkQueue } from "./work-queue.ts";

/** The dumb twin: lists and linear scans. */
class TwinQueue {
  ready: string[] = [];
  working: string[] = [];
  again: string[] = [];
  later: { key: string; dueMs: number; order: number }[] = [];
  nowMs = 0;
  #order = 0;

  add(key: string): void {
    if (this.working.includes(key)) {
      if (!this.again.includes(key)) this.again.push(key);
    } else if (!this.ready.includes(key)) this.ready.push(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.nowMs + delayMs;
    const pending = this.later.find((one) => one.key === key);
    if (pending !== undefined && pending.dueMs <= dueMs) return;
    this.later = this.later.filter((one) => one !== pending);
    this.later.push({ key, dueMs, order: this.#order++ });
  }

  advance(byMs: number): void {
    this.nowMs += byMs;
    const due = this.later.filter(({ dueMs }) => dueMs <= this.nowMs);
    this.later = this.later.filter(({ dueMs }) => dueMs > this.nowMs);
    for (const { key } of due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)) this.add(key);
  }

  take(): string | undefined {
    const key = this.ready.shift();
    if (key !== undefined) this.working.push(key);
    return key;
  }

  done(key: string): void {
    this.working = this.working.filter((one) => one !== key);
    if (this.again.includes(key)) {
      this.again = this.again.filter((one) => one !== key);
      this.add(key);
    }
  }
}

const key = fc.constantFrom("a", "b", "c", "d");
const step = fc.oneof(
  fc.record({ do: fc.constant("add" as const), key }),
  fc.record({ do: fc.constant("addAfter" as const), key, ms: fc.integer({ min: 0, max: 50 }) }),
  fc.record({ do: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 30 }) }),
  fc.record({ do: fc.constant("take" as const) }),
  fc.record({ do: fc.constant("done" as const), nth: fc.nat(3) }),
);

describe("client/work-queue", () => {
  const forever = new AbortController().signal;
  const make = () => {
    const clock = new ManualClock();
    return {
      clock,
      queue: new WorkQueue(
        { clock, random: new Prng(1) },
        { backoff: { firstMs: 10, mostMs: 100, jitter: 0 } },
      ),
    };
  };

  it("behaves as its dumb twin for every history", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { clock, queue } = make();
        const twin = new TwinQueue();
        for (const one of steps) {
          if (one.do === "add") {
            queue.add(one.key);
            twin.add(one.key);
          } else if (one.do === "addAfter") {
            queue.addAfter(one.key, one.ms);
            twin.addAfter(one.key, one.ms);
          } else if (one.do === "advance") {
            await clock.advance(one.ms);
            twin.advance(one.ms);
          } else if (one.do === "take") {
            const wanted = twin.take();
            if (wanted !== undefined) assert.equal(await queue.take(forever), wanted);
          } else {
            const working = twin.working[one.nth];
            if (working === undefined) continue;
            queue.done(working);
            twin.done(working);
          }
          assert.equal(queue.length, twin.ready.length);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("hands a key straight to a waiting taker", async () => {
    const { queue } = make();
    const first = queue.take(forever);
    const second = queue.take(forever);
    queue.add("a");
    queue.add("a");
    queue.add("b");
    assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
    assert.equal(queue.length, 0);
    queue.done("a");
    assert.equal(queue.length, 1, "the second add came while a was worked on");
  });

  it("backs off per key and starts over after forget", async () => {
    const { clock, queue } = make();
    for (const waitMs of [10, 20, 40, 80, 100, 100]) {
      queue.addRateLimited("a");
      await clock.advance(waitMs - 1);
      assert.equal(queue.length, 0);
      await clock.advance(1);
      assert.equal(queue.length, 1);
      queue.done(await queue.take(forever));
    }
    queue.forget("a");
    queue.addRateLimited("a");
    await clock.advance(10);
    assert.equal(queue.length, 1);
  });

  it("rejects waiting takers when their signal aborts, and gives the key to the next", async () => {
    const { queue } = make();
    const aborted = new AbortController();
    const first = queue.take(aborted.signal);
    const second = queue.take(forever);
    aborted.abort(new Error("enough"));
    await assert.rejects(first, /enough/);
    queue.add("a");
    assert.equal(await second, "a");
  });

  it("leaves no timer behind when closed", async () => {
    const { clock, queue } = make();
    queue.addAfter("a", 10);
    queue.close();
    assert.equal(clock.pending, 0);
    queue.add("b");
    await settle();
    assert.equal(queue.length, 0);
  });
});

describe("what a work queue tells of its keys", () => {
  it("is each that comes to need work, once, and how long it waited", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const observer = {
      onAdd: () => void told.push("add"),
      onTake: (ms: number) => void told.push(`take ${ms}`),
    };
    const queue = new WorkQueue({ clock, random: new Prng(1) }, { observer });
    const { signal } = new AbortController();
    queue.add("a");
    queue.add("a");
    await clock.advance(20);
    await queue.take(signal);
    assert.deepEqual(told, ["add", "take 20"]);
    await clock.advance(5);
    queue.add("a");
    queue.add("a");
    assert.deepEqual(queue.workingForMs(), [5]);
    await clock.advance(10);
    queue.done("a");
    await queue.take(signal);
    assert.deepEqual(told, ["add", "take 20", "add", "take 10"]);
    queue.done("a");
    assert.deepEqual(queue.workingForMs(), []);
  });
});
