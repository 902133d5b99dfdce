import assert from "node:assert/strict";
import fc from "fast-check";
import type { KeyRange } from "../mvcc/read.ts";
import { covers, type Interest, WatchIndex } from "./watch-index.ts";

const key = fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "c") });
const range: fc.Arbitrary<KeyRange<string>> = fc.oneof(
  key.map((from) => ({ single: true as const, from })),
  fc
    .record({ from: key, to: fc.option(key, { nil: undefined }) })
    .map((r) => ({ single: false as const, ...r })),
);

const interest = fc.record({ range, noPut: fc.boolean(), noDelete: fc.boolean(), prevKv: fc.boolean() });
const groupKey = ({ range: one, noPut, noDelete, prevKv }: Interest) =>
  JSON.stringify([one.single, one.from, one.single ? one.from : one.to, noPut, noDelete, prevKv]);

describe("store/watch: watch-index", () => {
  it("finds exactly the watches that cover a key, as watches come and go, those alike in one group", () => {
    const watch = fc.record({ interest, removed: fc.boolean() });
    fc.assert(
      fc.property(fc.array(watch), fc.array(key), (rows, keys) => {
        const watches = rows.map((row) => ({ ...row.interest, removed: row.removed }));
        const index = new WatchIndex<(typeof watches)[number]>();
        for (const one of watches) index.add(one);
        for (const one of watches) if (one.removed) index.remove(one);
        for (const one of keys) {
          const found = new Set<object>();
          const groups = new Set<string>();
          index.visit(one, (group) => {
            assert.ok(!groups.has(groupKey(group)), "two groups of the same");
            groups.add(groupKey(group));
            for (const member of group.watchers) {
              assert.equal(groupKey(member), groupKey(group));
              assert.ok(!found.has(member), "told twice");
              found.add(member);
            }
          });
          const wanted = watches.filter((each) => !each.removed && covers(each.range, one));
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
