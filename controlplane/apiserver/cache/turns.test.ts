import assert from "node:assert/strict";
import { Turns, turnsAtOnce } from "./turns.ts";

describe("turns", () => {
  const ones = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);

  /** What waits for others to have had theirs is kept, and called by the test. */
  function turns() {
    const served: number[] = [];
    const later: (() => void)[] = [];
    const made = new Turns<number>(
      (one) => served.push(one),
      (next) => later.push(next),
    );
    return { made, served, later };
  }

  it("serve some at a time, in the order in which they came, and the others by themselves", () => {
    const { made, served, later } = turns();
    for (const one of ones(0, 2 * turnsAtOnce + 1)) made.add(one);
    made.take();
    assert.deepEqual(served, ones(0, turnsAtOnce));
    later.shift()?.();
    assert.deepEqual(served, ones(0, 2 * turnsAtOnce));
    later.shift()?.();
    assert.deepEqual(served, ones(0, 2 * turnsAtOnce + 1));
    assert.deepEqual(later, [], "nobody waits");
  });

  it("serve who is added again before his turn once, and who is dropped never", () => {
    const { made, served, later } = turns();
    for (const one of ones(0, turnsAtOnce + 2)) made.add(one);
    made.take();
    made.add(turnsAtOnce);
    made.drop(turnsAtOnce + 1);
    made.add(0);
    assert.equal(later.length, 1);
    later.shift()?.();
    assert.deepEqual(served.slice(turnsAtOnce), [turnsAtOnce, 0]);
  });
});
