import assert from "node:assert/strict";
import { goDurationText } from "./go-duration-text.ts";

describe("goDurationText", () => {
  it("writes a span as Go does", () => {
    const texts: [number, string][] = [
      [0, "0s"],
      [0.003, "3µs"],
      [20.5, "20.5ms"],
      [1_500, "1.5s"],
      [60_000, "1m0s"],
      [3_600_000, "1h0m0s"],
      [5_400_250, "1h30m0.25s"],
      [-2, "-2ms"],
    ];
    for (const [milliseconds, text] of texts) assert.equal(goDurationText(milliseconds), text);
  });
});
