import assert from "node:assert/strict";
import fc from "fast-check";
import { age, durationText, listText } from "./cell-text.ts";

describe("duration text", () => {
  const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];
  const cases: readonly [number, string][] = [
    [-5 * s, "<invalid>"],
    [-s, "0s"],
    [0, "0s"],
    [119 * s, "119s"],
    [2 * m, "2m"],
    [3 * m + 12 * s, "3m12s"],
    [10 * m + 30 * s, "10m"],
    [179 * m, "179m"],
    [3 * h, "3h"],
    [3 * h + 5 * m, "3h5m"],
    [8 * h + 59 * m, "8h"],
    [47 * h, "47h"],
    [2 * d, "2d"],
    [2 * d + 3 * h, "2d3h"],
    [8 * d + 3 * h, "8d"],
    [729 * d, "729d"],
    [2 * 365 * d, "2y"],
    [3 * 365 * d + 4 * d, "3y4d"],
    [9 * 365 * d + 4 * d, "9y"],
  ];
  for (const [spanMs, text] of cases)
    it(`${spanMs} ms is ${text}`, () => assert.equal(durationText(spanMs), text));

  it("is short for any span", () => {
    fc.assert(fc.property(fc.integer({ min: 0 }), (span) => durationText(span).length <= 10));
  });
});

describe("age", () => {
  it("is unknown without a time", () => assert.equal(age(undefined, 0), "<unknown>"));
  it("counts from the time", () => assert.equal(age("1970-01-01T00:00:10Z", 15_000), "5s"));
});

describe("list text", () => {
  it("cuts long lists", () => {
    assert.equal(listText([]), "<none>");
    assert.equal(listText(["a", "b", "c"]), "a,b,c");
    assert.equal(listText(["a", "b", "c", "d", "e"]), "a,b,c + 2 more...");
  });
});
