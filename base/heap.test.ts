import assert from "node:assert/strict";
import fc from "fast-check";
import { Heap } from "./heap.ts";

describe("base/heap", () => {
  it("hands out what is in it in order, also when pushes and pops alternate", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer(), { nil: undefined })), (steps) => {
        const heap = new Heap<number>((a, b) => a < b);
        let twin: number[] = [];
        for (const step of steps) {
          if (step === undefined) assert.equal(heap.pop(), twin.shift());
          else {
            heap.push(step);
            twin = [...twin, step].sort((a, b) => a - b);
          }
          assert.equal(heap.peek(), twin[0]);
          assert.equal(heap.size, twin.length);
        }
      }),
    );
  });
});
