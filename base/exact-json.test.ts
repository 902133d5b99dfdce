import assert from "node:assert/strict";
import fc from "fast-check";
import { exactJsonLines, exactJsonText, parseExactJson } from "./exact-json.ts";

describe("JSON with exact whole numbers", () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const near = fc.oneof(
    fc.bigInt({ min: 2n ** 53n - 3n, max: 2n ** 53n + 3n }),
    fc.bigInt({ min: -(2n ** 53n) - 3n, max: -(2n ** 53n) + 3n }),
    fc.bigInt({ min: 2n ** 63n - 3n, max: 2n ** 63n - 1n }),
    int64,
  );
  const inOneForm = (value: bigint) => (Number.isSafeInteger(Number(value)) ? Number(value) : value);
  /** JSON's values, with texts that look like what a reader might mark numbers with. */
  const { value: anyValue } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      near.map(inOneForm),
      fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map((one) => one + 0),
      fc.constantFrom(
        null,
        true,
        false,
        "int64:9223372036854775807",
        "int64:int64:1",
        '\\"',
        "1234567890123456789",
      ),
      fc.string({ unit: "binary" }),
      fc.array(tie("value")),
      fc.dictionary(fc.oneof(fc.string(), fc.constant("int64:1")), tie("value"), { noNullPrototype: true }),
    ),
  }));

  it("is read as it was written, whatever stands in it", () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const text = exactJsonText(value);
        const read = parseExactJson(text);
        assert.equal(exactJsonText(read), text);
      }),
    );
  });

  it("keeps every whole number of 64 bits, in one form", () => {
    fc.assert(
      fc.property(near, (value) => {
        const read = parseExactJson(`{ "a" : [ ${value} ,"x"], "b":${value}}`) as {
          a: unknown[];
          b: unknown;
        };
        assert.equal(read.a[0], inOneForm(value));
        assert.equal(read.b, inOneForm(value));
        assert.equal(exactJsonText(read), `{"a":[${value},"x"],"b":${value}}`);
      }),
    );
  });

  for (const [text, value] of [
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["-9223372036854775808", -9223372036854775808n],
    // Go's decoders make these float64, too.
    ["9223372036854775808", 2 ** 63],
    ["18446744073709551615", 2 ** 64],
    ["9007199254740993.0", 9007199254740992],
    ["9007199254740993e0", 9007199254740992],
    ["1234567890123456789012345678901234567890", 1.2345678901234568e39],
    ['"9223372036854775807"', "9223372036854775807"],
    ['"\\\\\\"9223372036854775807"', '\\"9223372036854775807'],
  ] as const)
    it(`reads ${text} as ${typeof value} ${value}`, () => assert.equal(parseExactJson(text), value));

  it("writes what JSON.stringify does beside such numbers", () => {
    const value = { a: undefined, b: [undefined, null, 1.5], "": {}, c: "<\u2028", ["__proto__"]: 1, e: [] };
    assert.equal(
      exactJsonText({ ...value, n: 2n ** 60n }),
      `${JSON.stringify(value).slice(0, -1)},"n":${2n ** 60n}}`,
    );
    const read = parseExactJson('{"__proto__":{"a":9223372036854775807},"a":1,"a":9223372036854775806}');
    assert.deepEqual(Object.entries(read as object), [
      ["__proto__", { a: 9223372036854775807n }],
      ["a", 9223372036854775806n],
    ]);
  });

  it("lays out in lines what JSON.stringify does, with such numbers", () => {
    const value = { a: [], b: {}, c: [1, [undefined]], d: { e: "x", f: undefined, g: { h: null } } };
    assert.equal(exactJsonLines(value), JSON.stringify(value, null, 2));
    assert.equal(exactJsonLines({ n: [2n ** 60n] }), `{\n  "n": [\n    ${2n ** 60n}\n  ]\n}`);
  });

  it("refuses what is no JSON", () => {
    for (const text of ["", "{", "9223372036854775807,", '{"a":09223372036854775807}'])
      assert.throws(() => parseExactJson(text), SyntaxError, text);
  });
});
