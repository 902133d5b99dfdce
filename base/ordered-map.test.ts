import assert from "node:assert/strict";
import fc from "fast-check";
import { OrderedMap } from "./ordered-map.ts";
import { below, Prng } from "./os/random.ts";

/** The dumb twin: a sorted array of pairs. */
class SortedPairs {
  pairs: [string, number][] = [];
  set(key: string, value: number): void {
    this.delete(key);
    this.pairs.push([key, value]);
    this.pairs.sort((a, b) => (a[0] < b[0] ? -1 : 1));
  }
  delete(key: string): boolean {
    const before = this.pairs.length;
    this.pairs = this.pairs.filter(([other]) => other !== key);
    return this.pairs.length < before;
  }
}

function entries(map: OrderedMap<number>, from = "", to?: string): [string, number][] {
  const out: [string, number][] = [];
  map.visit(from, to, (key, value) => out.push([key, value]));
  return out;
}

describe("base/ordered-map", () => {
  it("agrees with a sorted array on any sequence of operations", () => {
    const key = fc.string({
      minLength: 0,
      maxLength: 3,
      unit: fc.constantFrom("a", "b", "\u0000", "\u00ff"),
    });
    const step = fc.record({ remove: fc.boolean(), key, value: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), key, key, (steps, from, to) => {
        const map = new OrderedMap<number>();
        const twin = new SortedPairs();
        for (const { remove, key, value } of steps) {
          if (remove) assert.equal(map.delete(key), twin.delete(key));
          else {
            map.set(key, value);
            twin.set(key, value);
          }
        }
        assert.equal(map.size, twin.pairs.length);
        assert.deepEqual(
          entries(map, from, to),
          twin.pairs.filter(([k]) => k >= from && k < to),
        );
        assert.deepEqual(
          map.ceiling(from),
          twin.pairs.filter(([k]) => k >= from).map(([k, v]) => ({ key: k, value: v }))[0],
        );
        for (const [k, v] of twin.pairs) assert.equal(map.get(k), v);
      }),
    );
  });

  it("stays right over many splits, merges and emptied leaves", () => {
    const random = new Prng(7);
    const map = new OrderedMap<number>();
    const twin = new Map<string, number>();
    for (let round = 0; round < 40_000; round++) {
      const shrinking = Math.floor(round / 8_000) % 2 === 1;
      const key = `key-${below(random, 6_000).toString().padStart(5, "0")}`;
      if (below(random, 10) < (shrinking ? 8 : 2)) assert.equal(map.delete(key), twin.delete(key));
      else {
        map.set(key, round);
        twin.set(key, round);
      }
    }
    assert.equal(map.size, twin.size);
    assert.deepEqual(
      entries(map),
      [...twin].sort((a, b) => (a[0] < b[0] ? -1 : 1)),
    );
    for (const key of [...twin.keys()]) assert.equal(map.delete(key), true);
    assert.equal(map.size, 0);
    map.set("x", 1);
    assert.deepEqual(entries(map), [["x", 1]]);
  });
});
