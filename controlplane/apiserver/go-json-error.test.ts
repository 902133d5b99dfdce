import assert from "node:assert/strict";
import { goJsonError } from "./go-json-error.ts";

describe("a text that is no JSON is refused in the words of Go's decoder", () => {
  const cases: readonly [text: string, error: string | undefined][] = [
    ['{"a":[1,-2.5e+3,true,null,"\\u00e9\\n"],"b":{}} ', undefined],
    ["", "unexpected end of JSON input"],
    ['{"apiVersion":"v1",', "unexpected end of JSON input"],
    ["nonsense", "invalid character 'o' in literal null (expecting 'u')"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b":2}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["{} x", "invalid character 'x' after top-level value"],
    ["\u009e", "invalid character 'Â' looking for beginning of value"],
    ["'a'", "invalid character '\\'' looking for beginning of value"],
    ['"a\n"', "invalid character '\\n' in string literal"],
    ['"\\q"', "invalid character 'q' in string escape code"],
    ['"\\u12x4"', "invalid character 'x' in \\u hexadecimal character escape"],
    ["-x", "invalid character 'x' in numeric literal"],
    ["01", "invalid character '1' after top-level value"],
    ["1.x", "invalid character 'x' after decimal point in numeric literal"],
    ["1ex", "invalid character 'x' in exponent of numeric literal"],
  ];
  for (const [text, error] of cases)
    it(`${JSON.stringify(text)}: ${error ?? "nothing wrong"}`, () => assert.equal(goJsonError(text), error));
});
