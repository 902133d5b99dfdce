import assert from "node:assert/strict";
import { isSameJson } from "./same-json.ts";

describe("isSameJson", () => {
  it("compares whatever JSON holds, without an order of fields", () => {
    assert.ok(isSameJson({ a: [1, { b: null }], c: "x" }, { c: "x", a: [1, { b: null }] }));
    for (const [one, other] of [
      [{ a: 1 }, { a: 1, b: undefined }],
      [{ a: undefined }, { b: undefined }],
      [[], {}],
      [null, {}],
      [
        [1, 2],
        [2, 1],
      ],
      ["1", 1],
      [{}, { toString: 1 }],
    ] as const)
      assert.ok(!isSameJson(one, other) && !isSameJson(other, one), JSON.stringify([one, other]));
  });
});
