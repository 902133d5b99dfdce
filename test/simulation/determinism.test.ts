import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

describe("a simulated run", () => {
  it("is the same for the same seed, event by event", async () => {
    for (const seed of [3, 5, 10]) {
      const options = swarmOptions(seed, { stormMs: 6_000, thinkMs: 20, delayMs: 0.5, clients: 4 });
      const first = await simulate(options);
      const second = await simulate(options);
      assert.equal(first.violation, undefined);
      assert.ok(first.events > 500, "much happened");
      assert.deepEqual([second.events, second.digest], [first.events, first.digest]);
      assert.deepEqual(second.figures, first.figures);
    }
  });

  it("is another for another seed", async () => {
    const [one, two] = [await simulate(swarmOptions(3)), await simulate(swarmOptions(4))];
    assert.notEqual(one.digest, two.digest);
  });
});
