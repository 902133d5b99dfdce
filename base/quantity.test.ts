import assert from "node:assert/strict";
import fc from "fast-check";
import { compareQuantities, isQuantity, parseMilliQuantity, parseQuantity } from "./quantity.ts";

describe("quantity", () => {
  const cases: readonly [string, number][] = [
    ["0", 0],
    ["100m", 0.1],
    ["1", 1],
    ["1.5", 1.5],
    [".5", 0.5],
    ["5.", 5],
    ["1Ki", 1024],
    ["16Mi", 16 * 2 ** 20],
    ["1.5Gi", 1.5 * 2 ** 30],
    ["2k", 2000],
    ["3M", 3e6],
    ["1e3", 1000],
    ["1E3", 1000],
    ["2E", 2e18],
    ["12e-1", 1.2],
    ["-1", -1],
    ["100u", 0.0001],
  ];
  for (const [text, value] of cases) {
    it(`${text} is ${value}`, () => assert.equal(parseQuantity(text), value));
  }

  for (const text of ["", "abc", "1 Gi", "1KiB", "1K", "--1", "1.2.3", ".", "1e", "1e9999"]) {
    it(`${JSON.stringify(text)} is none`, () => {
      assert.equal(isQuantity(text), false);
      assert.throws(() => parseQuantity(text), RangeError);
    });
  }

  it("rounds millis up", () => {
    assert.equal(parseMilliQuantity("1u"), 1);
    assert.equal(parseMilliQuantity("250m"), 250);
    assert.equal(parseMilliQuantity("0.1"), 100);
    assert.equal(parseMilliQuantity("2"), 2000);
  });

  it("compares across notations", () => {
    assert.equal(compareQuantities("1Gi", "1024Mi"), 0);
    assert.equal(compareQuantities("1000m", "1"), 0);
    assert.equal(compareQuantities("1G", "1Gi"), -1);
    assert.equal(compareQuantities("9007199254740993", "9007199254740992"), 1);
  });

  it("orders as numbers do", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), (a, b) => {
        assert.equal(compareQuantities(`${a}m`, `${b}m`), Math.sign(a - b));
      }),
    );
  });
});
