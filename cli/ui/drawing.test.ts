import assert from "node:assert/strict";
import fc from "fast-check";
import { fitted, printable, widthOf, wrapped } from "./drawing.ts";

describe("cli/ui: text on a terminal", () => {
  it("has nothing that a terminal acts on, whatever pods write", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["\x1b[31mred\x1b[0m", "red"],
      ["\x1b]0;title\x07text", "text"],
      ["\x1b]52;c;ZXZpbA==\x1b\\text", "text"],
      ["\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"],
      ["a\tb\r\nc", "a    b c"],
      ["\u202etxt.exe", "txt.exe"],
      ["\x9b31mx", "31mx"],
      ["grün 漢字", "grün 漢字"],
    ];
    for (const [text, shown] of cases) assert.equal(printable(text), shown);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.ok(!/[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/.test(printable(text)));
      }),
    );
  });

  it("takes exactly its columns", () => {
    assert.equal(fitted("web", 5), "web  ");
    assert.equal(fitted("web", 5, "right"), "  web");
    assert.equal(fitted("web-1234", 5), "web-…");
    assert.equal(fitted("漢字漢字", 5), "漢字…");
    assert.equal(fitted("漢字漢字", 6), "漢字… ");
    assert.equal(fitted("anything", 0), "");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }).map(printable), fc.nat(40), (text, width) => {
        assert.equal(widthOf(fitted(text, width)), width);
      }),
    );
  });

  it("is wrapped without losing a letter", () => {
    assert.deepEqual(wrapped("abcdef", 4), ["abcd", "ef"]);
    assert.deepEqual(wrapped("", 4), [""]);
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).map(printable),
        fc.integer({ min: 2, max: 20 }),
        (text, width) => {
          const pieces = wrapped(text, width);
          assert.equal(pieces.join(""), text);
          assert.ok(pieces.every((piece) => widthOf(piece) <= width));
        },
      ),
    );
  });
});
