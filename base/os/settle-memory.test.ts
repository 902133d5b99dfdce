import { equal } from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { settleMemory } from "./settle-memory.ts";

describe("memory of a start", () => {
  it("is given back once the start is over", async () => {
    const due: (() => void)[] = [];
    const clock = {
      after: (_: number, fire: () => void) => {
        due.push(fire);
        return () => undefined;
      },
    };
    settleMemory(clock, Number.POSITIVE_INFINITY);
    const garbage = new WeakRef({ made: "by the start" });
    await turn();
    for (const fire of due) fire();
    // An object stays until the end of the turn in which somebody looked at it.
    for (let turns = 0; turns < 10_000 && garbage.deref() !== undefined; turns++) await turn();
    equal(garbage.deref(), undefined);
  });
});
