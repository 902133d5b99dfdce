import assert from "node:assert/strict";
import fc from "fast-check";
import { warningTexts } from "./warnings.ts";

describe("client/http/warnings", () => {
  it("reads what servers warn of", () => {
    assert.deepEqual(warningTexts(undefined), []);
    assert.deepEqual(
      warningTexts('299 - "unknown field \\"spec.what\\"", 299 k8s "b, c" "Tue, 01 Dec 2026"'),
      ['unknown field "spec.what"', "b, c"],
    );
    assert.deepEqual(warningTexts('199 - "stale", 299 - "new", nonsense, 299 - "after"'), ["new"]);
  });

  it("reads back any texts, and takes any header", () => {
    const quoted = (text: string) => `299 - "${text.replace(/["\\]/g, "\\$&")}"`;
    fc.assert(
      fc.property(fc.array(fc.string(), { maxLength: 5 }), fc.string(), (texts, header) => {
        assert.deepEqual(warningTexts(texts.map(quoted).join(", ") || undefined), texts);
        warningTexts(header);
      }),
    );
  });
});
