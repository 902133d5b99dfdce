import assert from "node:assert/strict";
import fc from "fast-check";
import { areHeld } from "../../base/testing/collect-garbage.ts";
import { PastEntries } from "./past-entries.ts";
import type { Entry } from "./types.ts";

const entryOf = (index: number): Entry => ({
  term: 1 + Math.floor(index / 700),
  index,
  type: index % 97 === 0 ? "confChange" : "normal",
  data: Buffer.from(`${"x".repeat(index % 5)}${index}`).subarray(index % 3),
  content: undefined,
});
const shown = (entry: Entry) => ({ ...entry, data: Buffer.from(entry.data).toString() });

describe("store/raft: PastEntries", () => {
  it("gives back what was added and not forgotten", () => {
    const step = fc.record({ add: fc.nat(1_500), forget: fc.double({ min: 0, max: 1, noNaN: true }) });
    fc.assert(
      fc.property(fc.nat(5_000), fc.array(step, { maxLength: 8 }), (first, steps) => {
        const past = new PastEntries(first);
        let twin: Entry[] = [];
        let end = first;
        for (const { add, forget } of steps) {
          for (let i = 0; i < add; i++) {
            const entry = entryOf(end++);
            past.push(entry);
            twin.push(entry);
          }
          const until = past.first + Math.floor(twin.length * forget);
          const gone = twin.filter(({ index }) => index < until);
          twin = twin.filter(({ index }) => index >= until);
          assert.equal(
            past.forgetBefore(until),
            gone.reduce((bytes, { data }) => bytes + data.length, 0),
          );
          assert.equal(past.end, end);
          assert.equal(past.first, until);
          for (const entry of [
            ...twin.slice(0, 3),
            ...twin.slice(-3),
            ...twin.filter((_, at) => at % 97 === 0),
          ]) {
            assert.deepEqual(shown(past.entry(entry.index)), shown(entry));
            assert.equal(past.term(entry.index), entry.term);
            assert.equal(past.dataBytes(entry.index), entry.data.length);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("lets go of the memory of each entry it forgets", async () => {
    const past = new PastEntries(1);
    const datas = [1, 2, 3, 4].map((index) => {
      const data = new Uint8Array(100_000);
      past.push({ ...entryOf(index), data });
      return new WeakRef(data.buffer);
    });
    past.forgetBefore(3);
    assert.deepEqual(await areHeld(datas), [false, false, true, true]);
    assert.equal(past.dataBytes(3), 100_000);
  });
});
