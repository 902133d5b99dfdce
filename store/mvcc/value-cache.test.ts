import assert from "node:assert/strict";
import fc from "fast-check";
import { ValueCache } from "./value-cache.ts";

const contentOf = (main: number, sub: number) =>
  Buffer.from(`${main}.${sub}`.repeat(1 + ((main * 7 + sub) % 5)));

describe("store/mvcc: the cache of values", () => {
  it("answers the value of the revision that is asked for, or none, and keeps to its limits", () => {
    const revisions = fc.array(
      fc.tuple(fc.oneof(fc.nat(40), fc.constantFrom(2 ** 33 + 1, 2 ** 52)), fc.nat(3)),
      {
        maxLength: 400,
      },
    );
    fc.assert(
      fc.property(revisions, fc.constantFrom(100, 400, 4_000), (steps, bytesMax) => {
        const cache = new ValueCache({ bytesMax, valuesMax: 16 });
        for (const [main, sub] of steps) {
          const wanted = contentOf(main, sub);
          const found = cache.get(main, sub);
          const given = found ?? cache.add(main, sub, wanted);
          assert.deepEqual(Buffer.from(given), wanted);
          assert.ok(cache.sizeBytes <= bytesMax);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what is asked for again and again while others come once", () => {
    const cache = new ValueCache({ bytesMax: 1_000_000, valuesMax: 16 });
    cache.add(1, 0, contentOf(1, 0));
    for (let main = 2; main < 1_000; main++) {
      cache.add(main, 0, contentOf(main, 0));
      assert.ok(cache.get(1, 0), `gone after ${main}`);
    }
    assert.equal(cache.get(2, 0), undefined);
  });

  it("does not keep the memory that a value came in", () => {
    const cache = new ValueCache({ bytesMax: 1_000_000, valuesMax: 16 });
    const given = Buffer.alloc(1_000);
    assert.notEqual(cache.add(1, 0, given.subarray(0, 10)).buffer, given.buffer);
  });
});
