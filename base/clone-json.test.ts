import assert from "node:assert/strict";
import fc from "fast-check";
import { cloneJson } from "./clone-json.ts";

describe("base/clone-json", () => {
  it("gives an equal value that shares nothing", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        const copy = cloneJson(value);
        assert.equal(JSON.stringify(copy), JSON.stringify(value));
        const parts = new Set(objectsOf(value));
        for (const part of objectsOf(copy)) assert.ok(!parts.has(part));
      }),
    );
  });

  it("keeps a field named __proto__ a field", () => {
    const copy = cloneJson(JSON.parse('{"__proto__":{"a":1}}'));
    assert.equal(JSON.stringify(copy), '{"__proto__":{"a":1}}');
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
  });
});

function objectsOf(value: unknown): object[] {
  return typeof value !== "object" || value === null
    ? []
    : [value, ...Object.values(value).flatMap((field) => objectsOf(field))];
}
