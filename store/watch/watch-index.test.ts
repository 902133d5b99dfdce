import assert from "node:assert/strict";
import fc from "fast-check";
import type { KeyRange } from "../mvcc/read.ts";
import { covers, WatchIndex } from "./watch-index.ts";

const key = fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "c") });
const range: fc.Arbitrary<KeyRange<string>> = fc.oneof(
  key.map((from) => ({ single: true as const, from })),
  fc
    .record({ from: key, to: fc.option(key, { nil: undefined }) })
    .map((r) => ({ single: false as const, ...r })),
);

describe("store/watch: watch-index", () => {
  it("finds exactly the watches that cover a key, as watches come and go", () => {
    fc.assert(
      fc.property(fc.array(fc.record({ range, removed: fc.boolean() })), fc.array(key), (watches, keys) => {
        const index = new WatchIndex<(typeof watches)[number]>();
        for (const watch of watches) index.add(watch);
        for (const watch of watches) if (watch.removed) index.remove(watch);
        for (const one of keys) {
          const found = new Set<object>();
          index.visit(one, (watch) => {
            assert.ok(!found.has(watch), "told twice");
            found.add(watch);
          });
          const wanted = watches.filter((watch) => !watch.removed && covers(watch.range, one));
          assert.deepEqual(found, new Set(wanted));
        }
        assert.equal(
          index.isEmpty,
          watches.every(({ removed }) => removed),
        );
      }),
    );
  });
});
