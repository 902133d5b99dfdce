import assert from "node:assert/strict";
import fc from "fast-check";
import { faultProblems, scopeProblems } from "./fault-problems.ts";
import type { Fault } from "./faults.ts";

describe("cluster: faults", () => {
  it("take what requests can be like", () => {
    const faults: readonly Fault[] = [
      { error: 503 },
      { error: "Conflict", from: "test", verb: "update", resource: "pods", subresource: "", name: "a" },
      { error: { code: 418, reason: "Tea", message: "no" }, verb: ["get", "GET"], times: 1, chance: 0 },
      { delay: "1s", lose: "answer", resource: undefined } as unknown as Fault,
    ];
    for (const fault of faults) assert.deepEqual(faultProblems(fault), []);
  });

  it("are refused where they would strike nothing, or everything by a slip", () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [null, /^null must be an object/],
      [{ resorce: "pods", error: 500 }, /^resorce: "pods" is none of from, resource/],
      [{ resource: "Pod", error: 500 }, /^resource: "Pod" must be a plural in lower case/],
      [{ resource: 5, error: 500 }, /^resource: 5 must be a text/],
      [{ verb: "apply", error: 500 }, /^verb: "apply" is none of get, list/],
      [{ verb: [], error: 500 }, /^verb: \[\] must name one/],
      [{ from: "test" }, /needs one of error, delay, lose/],
      [{ error: "toString" }, /^error: "toString" is none of Conflict/],
      [{ error: 200 }, /^error: 200 must be an HTTP status from 400 to 599/],
      [{ error: { code: 500, why: "x" } }, /^error.why: "x" is none of code, reason, message/],
      [{ error: { message: "x" } }, /^error.code: nothing must be an HTTP status/],
      [{ error: null }, /^error: null must be/],
      [{ error: 500, lose: "request" }, /exclude each other/],
      [{ lose: "all" }, /^lose: "all" is neither/],
      [{ delay: null }, /^delay: null is no duration/],
      [{ error: 500, chance: "1" }, /^chance: "1" is not between 0 and 1/],
      [{ error: 500, times: 0 }, /^times: 0 is no whole number above 0/],
    ];
    for (const [fault, expected] of cases) assert.match(faultProblems(fault).join("\n"), expected);
    assert.match(scopeProblems({ verb: "watch" }, ["from"]).join("\n"), /^verb: "watch" is none of from/);
  });

  it("are told of, whatever they are", () => {
    const value = fc.anything({ withBigInt: true });
    const fields = ["verb", "error", "delay", "lose", "times", "chance", "resource", "other"];
    const fault = fc.oneof(
      value,
      fc.record(Object.fromEntries(fields.map((one) => [one, value])), { requiredKeys: [] }),
    );
    fc.assert(fc.property(fault, (given) => Array.isArray(faultProblems(given))));
  });
});
