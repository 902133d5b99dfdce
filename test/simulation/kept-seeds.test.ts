import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

/** Seeds that once broke a property, and why. */
const kept = [
  { seed: 50_113, why: "the operator took one of two members out, and the power of the other failed" },
] as const;

describe("a seed that once broke a property", () => {
  for (const { seed, why } of kept)
    it(`breaks none: ${seed}, where ${why}`, async function () {
      this.timeout(180_000);
      const { violation } = await simulate(swarmOptions(seed));
      assert.equal(violation?.message, undefined);
    });
});
