import assert from "node:assert/strict";
import { goJsonText, goQuoted } from "./go-text.ts";

describe("text as Go writes it", () => {
  it("is quoted with escapes for what cannot be seen", () => {
    assert.equal(goQuoted('a "b" \\ é'), '"a \\"b\\" \\\\ é"');
    assert.equal(goQuoted("\u0007\b\t\n\v\f\r\u0001\u007f"), '"\\a\\b\\t\\n\\v\\f\\r\\x01\\x7f"');
    assert.equal(goQuoted("\u00a0\u200b\u{e0001}"), '"\\u00a0\\u200b\\U000e0001"');
  });

  it("escapes in JSON what means something in HTML", () => {
    assert.equal(goJsonText("<a & b>\u2028"), '"\\u003ca \\u0026 b\\u003e\\u2028"');
  });
});
