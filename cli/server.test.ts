import assert from "node:assert/strict";
import { OperatorError } from "./command.ts";
import { chosenParts, partMetrics } from "./server.ts";

describe("the parts of one process", () => {
  it("start in their own order, whatever the order they are named in", () => {
    assert.deepEqual(chosenParts("scheduler, store,apiserver"), ["store", "apiserver", "scheduler"]);
  });

  it("are refused by name where there is no such part", () => {
    const refusal = new OperatorError(
      '--parts: "agent" must be one of store, apiserver, scheduler, controller-manager',
    );
    assert.throws(() => chosenParts("store,agent"), refusal);
    assert.throws(() => chosenParts(""), OperatorError);
  });

  it("tell each of the process that they share", async () => {
    assert.match(await partMetrics().text(), /^process_resident_memory_bytes \d+$/m);
  });
});
