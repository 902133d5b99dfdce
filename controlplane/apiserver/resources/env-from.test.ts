import assert from "node:assert/strict";
import { envName } from "../../../client/rules/names.ts";

describe("names of environment variables", () => {
  it("may be any printable ASCII but '='", () => {
    for (const name of ["data-1", "1.a", "a b", "~!@#"]) assert.deepEqual(envName(name), []);
    for (const name of ["a=b", "a\n", "ä", "a\u007f"]) assert.equal(envName(name).length, 1, name);
  });
});
