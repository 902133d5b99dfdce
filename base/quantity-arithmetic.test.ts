import assert from "node:assert/strict";
import {
  addQuantities,
  canonicalQuantity,
  quantityText,
  readQuantity,
  subtractQuantities,
} from "./quantity-arithmetic.ts";

describe("base/quantity-arithmetic", () => {
  it("writes a quantity in the one form that Kubernetes writes", () => {
    const forms = {
      "0.1": "100m",
      "1024Ki": "1Mi",
      "1.5": "1500m",
      "1000m": "1",
      "1000": "1k",
      "1023Ki": "1023Ki",
      "1.5Gi": "1536Mi",
      "0.5Ki": "512",
      "0Gi": "0",
      "1e3": "1e3",
      "12e6": "12e6",
      "1E3": "1e3",
      "1500": "1500",
      "-2048Ki": "-2Mi",
      "1.1Ki": "1126400m",
      "128974848": "128974848",
      "0.0000000001": "1n",
    };
    for (const [text, form] of Object.entries(forms)) assert.equal(canonicalQuantity(text), form, text);
  });

  it("adds and subtracts exactly, in the form of what was there first", () => {
    const sum = (left: string, right: string) =>
      quantityText(addQuantities(readQuantity(left), readQuantity(right)));
    assert.equal(sum("100m", "0.9"), "1");
    assert.equal(sum("0", "1Gi"), "1Gi");
    assert.equal(sum("1Gi", "1G"), "2073741824");
    assert.equal(sum("1Gi", "1024Mi"), "2Gi");
    assert.equal(quantityText(subtractQuantities(readQuantity("1Gi"), readQuantity("512Mi"))), "512Mi");
  });
});
