import assert from "node:assert/strict";
import { isQuantity } from "./quantity.ts";
import { withoutTrailing } from "./without-trailing.ts";

/** What anybody may send is read in time in proportion to its length: with the square of it none of these would end. */
describe("texts of a million characters", () => {
  const long = 1_000_000;

  it("are no quantities for what stands behind their digits", () => {
    for (const digits of ["0", "1", "1.", "."]) assert.equal(isQuantity(`${digits.repeat(long)}x`), false);
    assert.equal(isQuantity(`${"1".repeat(1000)}.`), true);
  });

  it("lose what they end with only", () => {
    const text = `${"/".repeat(long)}a`;
    assert.equal(withoutTrailing(`${text}//`, "/"), text);
    assert.equal(withoutTrailing("//", "/"), "");
  });
});
