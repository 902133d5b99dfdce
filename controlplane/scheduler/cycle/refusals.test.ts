import assert from "node:assert/strict";
import fc from "fast-check";
import { count } from "./fit-error.ts";
import { Refusals, RefusalTally } from "./refusals.ts";

const because = (reason: string) => ({ plugin: "P", reasons: [reason], lasting: false });

describe("controlplane/scheduler/cycle: why nodes refuse", () => {
  it("is found by node, whether it was added before or after somebody looked, and the last counts", () => {
    const refusals = new Refusals();
    refusals.add("a", because("one"));
    assert.deepEqual(refusals.of("a"), because("one"));
    assert.equal(refusals.of("b"), undefined);
    refusals.add("b", because("two"));
    refusals.add("a", because("three"));
    assert.deepEqual(
      ["a", "b", "c"].map((node) => refusals.of(node)?.reasons),
      [["three"], ["two"], undefined],
    );
  });

  it("is copied so that what is added to the copy is not in the first", () => {
    const first = new Refusals();
    first.add("a", because("one"));
    const copy = first.copy();
    copy.add("b", because("two"));
    assert.deepEqual(
      [first.of("b"), copy.of("b"), copy.of("a")],
      [undefined, because("two"), because("one")],
    );
  });

  it("is counted as if each were counted alone", () => {
    const one = fc.record({
      plugin: fc.constantFrom("P", "Q"),
      reasons: fc.array(fc.constantFrom("x", "y"), { maxLength: 2 }),
      lasting: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(one), (all) => {
        const tally = new RefusalTally();
        const reasons = new Map<string, number>();
        for (const refusal of all) {
          tally.add(refusal);
          for (const reason of refusal.reasons) count(reasons, reason);
        }
        assert.deepEqual(tally.counts(), { reasons, plugins: new Set(all.map(({ plugin }) => plugin)) });
      }),
    );
  });
});
