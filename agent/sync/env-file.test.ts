import { strict as assert } from "node:assert";
import { valueInEnvFile } from "./env-file.ts";

describe("a file of environment variables", () => {
  const text = [
    "# a comment",
    "",
    "  ONE='first' # of all",
    "TWO='a b=c",
    "d'",
    "EMPTY= 'x'",
    "LAST=''",
  ].join("\n");

  it("has values in single quotes, over several lines if need be", () => {
    assert.equal(valueInEnvFile(text, "ONE"), "first");
    assert.equal(valueInEnvFile(text, "TWO"), "a b=c\nd");
    for (const key of ["EMPTY", "LAST", "ABSENT", "# a comment"]) assert.equal(valueInEnvFile(text, key), "");
  });

  it("names the line that is wrong, where it stands before the key", () => {
    for (const [bad, why] of [
      ["ONE", "line 1: missing '='"],
      ["='x'", "line 1: empty variable name"],
      ["A ='x'", "line 1: whitespace before '=' is not allowed"],
      ["\nA=x", "line 2: value must be enclosed in single quotes"],
      ["A='x' y", "line 1: unexpected content after closing quote"],
      ["A='x'y'", "line 1: unexpected content after closing quote"],
      ["\nA='x\ny\n", "line 2: unterminated single-quoted value"],
    ] as const)
      assert.throws(() => valueInEnvFile(bad, "B"), {
        message: `invalid environment variable format at ${why}`,
      });
    assert.equal(valueInEnvFile("A='x'\nnonsense", "A"), "x");
  });
});
