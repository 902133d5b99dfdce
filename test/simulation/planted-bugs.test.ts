import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { planted } from "./planted-bugs.ts";
import { simulate } from "./simulate.ts";

const seedsMax = 20;

describe("the simulator finds planted bugs", () => {
  for (const { bug, faults, weather, breaks } of planted)
    it(`a member that ${bug}`, async function () {
      this.timeout(120_000);
      for (let seed = 1; seed <= seedsMax; seed++) {
        const options = swarmOptions(seed, weather);
        const { violation } = await simulate(options, faults);
        if (violation === undefined) continue;
        assert.match(violation.message, breaks);
        const { violation: without } = await simulate(options);
        assert.equal(without, undefined, `seed ${seed} breaks a property without the bug as well`);
        return;
      }
      assert.fail(`none of ${seedsMax} seeds broke a property`);
    });
});
