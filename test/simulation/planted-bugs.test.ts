import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { planted, seedsFor } from "./planted-bugs.ts";
import { simulate } from "./simulate.ts";

describe("the simulator finds planted bugs", () => {
  it("has more than twenty of them", () => assert.ok(planted.length > 20));

  for (const { bug, faults, weather, breaks, found, heeded } of planted) {
    const seeds = seedsFor({ found });
    it(`a member that ${bug}, within ${seeds} seeds`, async function () {
      this.timeout(600_000);
      for (let seed = 1; seed <= seeds; seed++) {
        const options = swarmOptions(seed, weather);
        const { violation } = await simulate(options, faults, heeded);
        if (violation === undefined) continue;
        assert.match(violation.message, breaks);
        const { violation: without } = await simulate(options);
        assert.equal(without, undefined, `seed ${seed} breaks a property without the bug as well`);
        return;
      }
      assert.fail(`none of ${seeds} seeds broke a property`);
    });
  }
});
