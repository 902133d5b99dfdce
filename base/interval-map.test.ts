import assert from "node:assert/strict";
import fc from "fast-check";
import { type Interval, IntervalMap, reachesPast } from "./interval-map.ts";

const text = fc.string({ maxLength: 2, unit: fc.constantFrom("a", "b", "c", "d") });
const interval: fc.Arbitrary<Interval> = fc.record({ from: text, to: fc.option(text, { nil: undefined }) });
const change = fc.record({ interval, isAdded: fc.boolean() });

/** How often a text was compared. */
let asked = 0;
const counted = (value: string) =>
  Object.assign(Object(value) as string, {
    [Symbol.toPrimitive]: () => {
      asked++;
      return value;
    },
  });

describe("base/interval-map", () => {
  it("finds what a plain scan finds, as intervals come and go", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 100 }), fc.array(text), (changes, texts) => {
        const map = new IntervalMap<Interval>();
        const plain = new Map<string, Interval>();
        for (const { interval, isAdded } of changes) {
          const name = `${interval.from} ${interval.to ?? "-"}`;
          assert.equal(map.get(interval), plain.get(name));
          if (!isAdded) {
            map.delete(interval);
            plain.delete(name);
          } else if (!plain.has(name)) {
            map.add(interval, interval);
            plain.set(name, interval);
          }
          assert.equal(map.isEmpty, plain.size === 0);
        }
        for (const one of texts) {
          const found: Interval[] = [];
          map.visit(one, (value) => found.push(value));
          const wanted = [...plain.values()].filter(({ from, to }) => from <= one && reachesPast(to, one));
          assert.equal(found.length, wanted.length);
          assert.deepEqual(new Set(found), new Set(wanted));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("asks few of very many intervals, also beside one that holds all, in whatever order they came", () => {
    const count = 10_000;
    const name = (at: number) => String(at).padStart(5, "0");
    for (const place of [
      (at: number) => at,
      (at: number) => count - 1 - at,
      (at: number) => (at * 7919) % count,
    ]) {
      const map = new IntervalMap<string>();
      map.add({ from: "", to: undefined }, "all");
      for (let at = 0; at < count; at++) {
        const from = `${name(place(at))}/`;
        map.add({ from, to: `${from.slice(0, -1)}0` }, from);
      }
      const found: string[] = [];
      asked = 0;
      map.visit(counted("07000/key"), (value) => found.push(value));
      assert.deepEqual(found.sort(), ["07000/", "all"]);
      assert.ok(asked < 200, `${asked} comparisons`);
    }
  });
});
