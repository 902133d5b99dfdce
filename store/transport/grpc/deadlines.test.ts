import assert from "node:assert/strict";
import { Deadlines } from "./deadlines.ts";

describe("Deadlines", () => {
  it("calls back each at its moment, however many different ones there are", () => {
    const all = 200_000;
    let nowMs = 0;
    let due: { readonly atMs: number; readonly fire: () => void } = { atMs: 0, fire: () => undefined };
    const deadlines = new Deadlines({
      monotonicMs: () => nowMs,
      after: (delayMs, fire) => {
        due = { atMs: nowMs + delayMs, fire };
        return () => undefined;
      },
    });
    const passed: number[] = [];
    for (let number = all; number > 0; number--)
      deadlines.add(number * 20, { expired: () => passed.push(number) });
    for (const number of [1, 2, 3]) {
      nowMs = due.atMs;
      assert.equal(nowMs, number * 20);
      due.fire();
    }
    assert.deepEqual(passed, [1, 2, 3]);
  });
});
