import assert from "node:assert/strict";
import { tellEach } from "./tell-each.ts";

describe("tellEach", () => {
  it("tells all, also behind one that throws, and throws what that threw", () => {
    const told: number[] = [];
    const tell = (throwing: readonly number[]) =>
      tellEach([1, 2, 3], (one) => {
        told.push(one);
        if (throwing.includes(one)) throw new Error(`from ${one}`);
      });
    tell([]);
    assert.throws(() => tell([2]), /^Error: from 2$/);
    assert.throws(() => tell([1, 3]), { name: "AggregateError" });
    assert.deepEqual(told, [1, 2, 3, 1, 2, 3, 1, 2, 3]);
  });
});
