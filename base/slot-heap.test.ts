import assert from "node:assert/strict";
import fc from "fast-check";
import { SlotHeap } from "./slot-heap.ts";

describe("SlotHeap", () => {
  it("has the first of those that are in it at the top, however they came, moved and left", () => {
    const step = fc.record({
      slot: fc.integer({ min: 1, max: 40 }),
      to: fc.option(fc.integer({ min: 0, max: 50 })),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const values = new Map<number, number>();
        const places = new Map<number, number>();
        const isBefore = (a: number, b: number) => {
          const [one = 0, other = 0] = [values.get(a), values.get(b)];
          return one === other ? a < b : one < other;
        };
        const heap = new SlotHeap({
          isBefore,
          placeOf: (slot) => places.get(slot) ?? 0,
          setPlace: (slot, place) => void places.set(slot, place),
        });
        for (const { slot, to } of steps) {
          if (to === null) {
            heap.remove(slot);
            values.delete(slot);
          } else {
            values.set(slot, to);
            heap.put(slot);
          }
          const [first = 0] = [...values.keys()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
          assert.deepEqual([heap.peek(), heap.size], [first, values.size]);
        }
        heap.clear();
        assert.deepEqual([heap.peek(), heap.size], [0, 0]);
        assert.ok([...places.values()].every((place) => place === 0));
      }),
    );
  });

  it("holds more than it began with", () => {
    const places = new Int32Array(10_001);
    const heap = new SlotHeap({
      isBefore: (a, b) => a > b,
      placeOf: (slot) => places[slot] as number,
      setPlace(slot, place) {
        places[slot] = place;
      },
    });
    for (let slot = 1; slot <= 10_000; slot++) heap.put(slot);
    for (let slot = 10_000; slot >= 1; slot--) {
      assert.equal(heap.peek(), slot);
      heap.remove(slot);
    }
  });
});
