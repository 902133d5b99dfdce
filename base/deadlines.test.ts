import assert from "node:assert/strict";
import fc from "fast-check";
import { ManualClock } from "../client/testing/manual-clock.ts";
import { Deadlines } from "./deadlines.ts";

const stepMs = 20;

describe("base/deadlines", () => {
  let nowMs = 0;
  let due: { readonly atMs: number; readonly fire: () => void } | undefined;
  const byHand = () => {
    nowMs = 0;
    due = undefined;
    return new Deadlines({
      monotonicMs: () => nowMs,
      after: (delayMs, fire) => {
        const timer = { atMs: nowMs + delayMs, fire };
        due = timer;
        return () => {
          if (due === timer) due = undefined;
        };
      },
    });
  };
  const fireNext = () => {
    const timer = due;
    due = undefined;
    nowMs = timer?.atMs ?? nowMs;
    timer?.fire();
  };

  it("calls back each at its moment, however many different ones there are", () => {
    const all = 200_000;
    const deadlines = byHand();
    const passed: number[] = [];
    for (let number = all; number > 0; number--)
      deadlines.add(number * stepMs, { expired: () => passed.push(number) });
    for (const number of [1, 2, 3]) {
      fireNext();
      assert.equal(nowMs, number * stepMs);
    }
    assert.deepEqual(passed, [1, 2, 3]);
  });

  it("calls back none too early, each at the latest a step after its moment, and none that was forgotten", async () => {
    const some = fc.array(fc.record({ atMs: fc.nat(2_000), isForgotten: fc.boolean() }), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(some, async (all) => {
        const clock = new ManualClock();
        const deadlines = new Deadlines(clock);
        const startMs = clock.monotonicMs();
        const calls = all.map(({ atMs, isForgotten }) => {
          const call = {
            firedMs: Number.NaN,
            expired: () => {
              call.firedMs = clock.monotonicMs() - startMs;
            },
          };
          const step = deadlines.add(startMs + atMs, call);
          if (isForgotten) deadlines.forget(step, call);
          return call;
        });
        for (let ms = 0; ms < 2_100; ms += 5) await clock.advance(5);
        for (const [at, { firedMs }] of calls.entries()) {
          const { atMs, isForgotten } = all[at] ?? assert.fail();
          if (isForgotten) assert.ok(Number.isNaN(firedMs));
          else assert.ok(firedMs >= atMs && firedMs <= atMs + stepMs + 5, `${firedMs} in place of ${atMs}`);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("keeps nothing that is added after its end, and has no timer for it", () => {
    const deadlines = byHand();
    deadlines.add(2 * stepMs, { expired: () => assert.fail() });
    deadlines.stop();
    deadlines.add(stepMs, { expired: () => assert.fail() });
    assert.equal(due, undefined);
  });

  it("tells only so many at once; a call that is forgotten meanwhile is not told", () => {
    const deadlines = byHand();
    let told = 0;
    const call = () => ({ expired: () => void told++ });
    for (let at = 0; at < 2_500; at++) deadlines.add(stepMs, call());
    const last = call();
    const step = deadlines.add(stepMs, last);
    const after: number[] = [];
    while (due !== undefined) {
      fireNext();
      after.push(told);
      if (told === 2_000) deadlines.forget(step, last);
    }
    assert.deepEqual(after, [1_000, 2_000, 2_500]);
  });

  it("tells those behind one that throws, too", () => {
    const deadlines = byHand();
    let told = 0;
    deadlines.add(stepMs, {
      expired: () => {
        throw new Error("one of them");
      },
    });
    deadlines.add(stepMs, { expired: () => void told++ });
    assert.throws(() => fireNext(), /one of them/);
    assert.equal(told, 1);
  });

  it("keeps nothing of deadlines that were forgotten, and no timer but the next", () => {
    const deadlines = byHand();
    const never = { expired: () => assert.fail() };
    for (let at = 1; at <= 100_000; at++) deadlines.forget(deadlines.add(at * stepMs, never), never);
    let told = 0;
    deadlines.add(50 * stepMs, { expired: () => void told++ });
    while (due !== undefined) fireNext();
    assert.equal(told, 1);
  });
});
