import assert from "node:assert/strict";
import fc from "fast-check";
import { mergedRanges, type NumberRange, rangeWithout } from "./number-ranges.ts";

const range = fc
  .tuple(fc.nat(60), fc.nat(60))
  .map(([a, b]): NumberRange => ({ first: Math.min(a, b), last: Math.max(a, b) }));
const numbers = (ranges: readonly NumberRange[]) =>
  new Set(ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i)));
const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b);

describe("base/number-ranges", () => {
  it("merged ranges hold the same numbers, in order, with gaps between them", () => {
    fc.assert(
      fc.property(fc.array(range, { maxLength: 8 }), (ranges) => {
        const merged = mergedRanges(ranges);
        assert.deepEqual(sorted(numbers(merged)), sorted(numbers(ranges)));
        for (const [at, { first }] of merged.entries())
          assert.ok(at === 0 || first > (merged[at - 1]?.last ?? 0) + 1);
      }),
    );
  });

  it("a range without others holds what is in none of them", () => {
    fc.assert(
      fc.property(range, fc.array(range, { maxLength: 8 }), (whole, taken) => {
        const out = numbers(taken);
        const wanted = sorted(numbers([whole])).filter((number) => !out.has(number));
        assert.deepEqual(sorted(numbers(rangeWithout(whole, taken))), wanted);
      }),
    );
  });
});
