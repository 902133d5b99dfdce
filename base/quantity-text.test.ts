import assert from "node:assert/strict";
import fc from "fast-check";
import { parseNanos } from "./quantity.ts";
import { addAmounts, amountText, readAmount } from "./quantity-text.ts";

/** As Kubernetes' resource.Quantity writes them. */
const written = `
10Mi 10Mi    0.5Gi 512Mi   1024Ki 1Mi    1000Ki 1000Ki  1023 1023     1024 1024     0 0         0Mi 0
512Ki 512Ki  1Ki 1Ki       0.5Ki 512     1.5Ki 1536     100m 100m     0.1 100m      1.5 1500m   1000k 1M
10M 10M      1e3 1e3       12e6 12e6     1234e2 123400  1e-3 1e-3     100e-1 10     2048Mi 2Gi  -1Mi -1Mi
-0.5Gi -512Mi  1.5Mi 1536Ki  1E 1E       1000 1k        1000000 1M    1n 1n         0.5Mi 512Ki 5Ei 5Ei
1048576 1048576  1.1Ki 1126400m`;
const sums: readonly (readonly [string, string, string])[] = [
  ["10Mi", "5Mi", "15Mi"],
  ["10Mi", "5M", "15485760"],
  ["5M", "10Mi", "15485760"],
  ["0", "5Mi", "5Mi"],
  ["0Mi", "5M", "5M"],
  ["100m", "1Mi", "1048576100m"],
  ["512Mi", "512Mi", "1Gi"],
  ["1e3", "1Ki", "2024"],
];

describe("a quantity's text", () => {
  it("is the one that Kubernetes writes", () => {
    const words = written.trim().split(/\s+/);
    for (let at = 0; at < words.length; at += 2)
      assert.equal(amountText(readAmount(words[at] ?? "")), words[at + 1], words[at]);
  });

  it("keeps the notation of the first of a sum", () => {
    for (const [left, right, sum] of sums)
      assert.equal(amountText(addAmounts(readAmount(left), readAmount(right))), sum, `${left} + ${right}`);
  });

  it("means the same amount", () => {
    const suffix = fc.constantFrom("n", "u", "m", "", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-2");
    fc.assert(
      fc.property(fc.integer(), suffix, (number, unit) => {
        const text = `${number}${unit}`;
        assert.equal(parseNanos(amountText(readAmount(text))), parseNanos(text));
      }),
    );
  });
});
