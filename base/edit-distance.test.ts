import { strictEqual } from "node:assert/strict";
import { editDistance, isNearly } from "./edit-distance.ts";

describe("the distance of words", () => {
  it("counts letters put in, left out, exchanged and swapped", () => {
    for (const [a, b, slips] of [
      ["", "ab", 2],
      ["name", "name", 0],
      ["name", "nmae", 1],
      ["name", "nam", 1],
      ["name", "game", 1],
      ["token", "tokne", 1],
      ["replicas", "rplicsa", 2],
      ["abc", "xyz", 3],
    ] as const) {
      strictEqual(editDistance(a, b), slips, `${a} ${b}`);
      strictEqual(editDistance(b, a), slips, `${b} ${a}`);
    }
  });

  it("is small for what was meant, smaller for short words", () => {
    strictEqual(isNearly("name", "nmae"), true);
    strictEqual(isNearly("name", "nmea"), false);
    strictEqual(isNearly("replicas", "rep"), true);
    strictEqual(isNearly("up", "x"), false);
    strictEqual(isNearly("up", ""), false);
  });
});
