import assert from "node:assert/strict";
import fc from "fast-check";
import { durationMs } from "./duration.ts";
import { shown } from "./shown.ts";

describe("base/shown", () => {
  it("shows what JSON has no word for", () => {
    const itself: { self?: object } = {};
    itself.self = itself;
    const values = [
      undefined,
      null,
      Number.NaN,
      5n,
      Symbol("a"),
      () => 1,
      "a",
      [1n],
      itself,
      "a".repeat(999),
    ];
    assert.deepEqual(values.map(shown), [
      "nothing",
      "null",
      "NaN",
      "5n",
      "Symbol(a)",
      "a function",
      '"a"',
      '["1n"]',
      "an object that contains itself",
      `"${"a".repeat(199)}…`,
    ]);
  });

  it("shows whatever is refused as a duration", () => {
    const odd = fc.oneof(fc.anything({ withBigInt: true }), fc.string());
    fc.assert(
      fc.property(odd, (value) => {
        try {
          assert.ok(durationMs(value as string) >= 0);
        } catch (error) {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, / is no duration: give milliseconds/);
        }
      }),
    );
  });
});
