import assert from "node:assert/strict";
import { swarmOptions } from "./options.ts";
import { simulate } from "./simulate.ts";

describe("a simulated run", function () {
  this.timeout(180_000);
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

  it("asks the real event loop for nothing but the turns of its clock", async () => {
    const asked = new Set<string>();
    const real = globalThis.setImmediate;
    globalThis.setImmediate = ((...given: Parameters<typeof real>) => {
      asked.add(/[\w-]+\.ts/.exec(new Error().stack?.split("\n")[2] ?? "")?.[0] ?? "somebody");
      return real(...given);
    }) as typeof real;
    try {
      await simulate(swarmOptions(3, { stormMs: 3_000, thinkMs: 20, delayMs: 0.5, clients: 4 }));
    } finally {
      globalThis.setImmediate = real;
    }
    assert.deepEqual([...asked], ["sim-clock.ts"]);
  });

  it("is another for another seed", async () => {
    const given = { stormMs: 3_000 };
    const [one, two] = [await simulate(swarmOptions(3, given)), await simulate(swarmOptions(4, given))];
    assert.notEqual(one.digest, two.digest);
  });
});
