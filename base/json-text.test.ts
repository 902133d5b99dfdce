import assert from "node:assert/strict";
import fc from "fast-check";
import { JsonNumber, type JsonText, JsonTextError, parseJsonTexts } from "./json-text.ts";

const parse = (text: string) => parseJsonTexts(text, { depthMax: 100 });

/** As `JSON.parse` would have it. */
function plain(value: JsonText): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([name, inner]) => [name, plain(inner as JsonText)]));
  return Array.isArray(value) ? value.map((inner: JsonText) => plain(inner)) : value;
}

describe("JSON as text", () => {
  it("reads every value that JSON.parse reads, as the same value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        assert.deepEqual(parse(text).map(plain), [JSON.parse(text)]);
      }),
    );
  });

  it("refuses every text that JSON.parse refuses", () => {
    const pieces = [
      '"a"',
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "1",
      "01",
      "-",
      "1.",
      "1e",
      "true",
      "nul",
      '"\\x"',
      '"\n"',
      " ",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 8 }), (chosen) => {
        const text = `[${chosen.join("")}]`;
        let fits = true;
        try {
          JSON.parse(text);
        } catch {
          fits = false;
        }
        if (fits) assert.deepEqual(parse(text).map(plain), [JSON.parse(text)]);
        else {
          // "[1][2]" is two values
          const values = whatFits(text);
          assert.ok(values === undefined || values.length !== 1, text);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("keeps numbers as they were written", () => {
    const text = "[7587870354237889035,-9223372036854775808,18446744073709551615,1.0,5e3]";
    const [list] = parse(text) as [JsonNumber[]];
    assert.equal(`[${list.map((one) => one.text).join(",")}]`, text);
  });

  it("reads values that follow each other with and without white space", () => {
    assert.deepEqual(parse(' {"a":"b"}{"a":"c"}\n\n[] ').map(plain), [{ a: "b" }, { a: "c" }, []]);
    assert.deepEqual(parse(" \r\n\t"), []);
  });

  it("bounds nesting instead of exhausting the stack", () => {
    assert.equal(parse("[".repeat(100) + "]".repeat(100)).length, 1);
    assert.throws(() => parse("[".repeat(101) + "]".repeat(101)), /nested deeper than 100/);
    assert.throws(() => parse('{"a":'.repeat(1_000_000)), /nested deeper than 100/);
  });

  it("refuses a name that is given twice, and takes __proto__ for a name like any other", () => {
    assert.throws(() => parse('{"a":1,"a":1}'), /"a" is given twice/);
    const [object] = parse('{"__proto__":"x"}') as [ReadonlyMap<string, JsonText>];
    assert.equal(object.get("__proto__"), "x");
  });

  it("reads long texts, spaces and numbers in one go", () => {
    const long = 5_000_000;
    assert.deepEqual(parse(`${" ".repeat(long)}"${"a".repeat(long)}"`), ["a".repeat(long)]);
    assert.throws(() => parse("1".repeat(long)), /longer than 1000 characters/);
    assert.throws(() => parse(`"${"\\".repeat(long)}`), JsonTextError);
  });
});

function whatFits(text: string): JsonText[] | undefined {
  try {
    return parse(text);
  } catch (error) {
    assert.ok(error instanceof JsonTextError);
    return undefined;
  }
}
