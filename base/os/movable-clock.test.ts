import assert from "node:assert/strict";
import { MovableClock } from "./movable-clock.ts";

const startMs = Date.UTC(2026, 0, 1);
const quiet = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("base/os/movable-clock", () => {
  for (const runs of [true, false]) {
    const name = runs ? "that runs" : "that stands still";
    it(`${name} takes no timer that has no place among the others`, async () => {
      const clock = new MovableClock({ runs, startMs }, quiet);
      assert.throws(() => clock.after(Number.NaN, () => {}), /^TypeError: delayMs: NaN must be milliseconds/);
      assert.throws(() => clock.after("5" as never, () => {}), TypeError);
      assert.throws(() => clock.after(5, undefined as never), /^TypeError: fire: nothing must be a function/);
      const cancel = clock.after(Number.POSITIVE_INFINITY, () => {});
      let fired = 0;
      clock.after(1000, () => fired++);
      await clock.advance("1s");
      assert.deepEqual([fired, clock.pending], [1, 1]);
      cancel();
      clock.close();
    });

    it(`${name} moves no further than the API has texts for`, async () => {
      const clock = new MovableClock({ runs, startMs }, quiet);
      for (const by of [1e300, Number.MAX_SAFE_INTEGER])
        await assert.rejects(clock.advance(by), /^TypeError: .* would lead past the year 9999/);
      await clock.advance("87600h");
      assert.equal(clock.now().getUTCFullYear(), 2035);
      clock.close();
    });

    it(`${name} goes on after a timer of the test's throws`, async () => {
      const clock = new MovableClock({ runs, startMs }, quiet);
      let fired = 0;
      clock.after(1000, () => {
        throw new Error("of the test's own");
      });
      clock.after(1000, () => fired++);
      await assert.rejects(clock.advance("2s"), /of the test's own/);
      await clock.advance("2s");
      assert.equal(fired, 1);
      clock.close();
    });

    it(`${name} cannot be moved once it is closed`, async () => {
      const clock = new MovableClock({ runs, startMs }, quiet);
      clock.close("nobody needs it");
      await assert.rejects(clock.advance(0), /^Error: the clock stands still: nobody needs it$/);
    });
  }

  it("lets moves within moves follow one another", async () => {
    const clock = new MovableClock({ runs: false, startMs }, quiet);
    const fired: number[] = [];
    let inner = Promise.resolve();
    clock.after(1000, () => {
      inner = clock.advance("3s");
    });
    for (const ms of [2000, 4000, 6000]) clock.after(ms, () => fired.push(clock.monotonicMs()));
    await clock.advance("5s");
    assert.deepEqual(fired, [2000, 4000]);
    await inner;
    assert.deepEqual([fired, clock.monotonicMs()], [[2000, 4000, 6000], 8000]);
  });
});
