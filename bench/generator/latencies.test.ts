import assert from "node:assert/strict";
import { Latencies } from "./latencies.ts";

describe("latencies", () => {
  it("give quantiles by nearest rank, however many there are", () => {
    const latencies = new Latencies();
    assert.deepEqual(latencies.quantiles([0.5]), [0]);
    for (let ms = 100_000; ms >= 1; ms--) latencies.add(ms);
    assert.equal(latencies.count, 100_000);
    assert.deepEqual(latencies.quantiles([0, 0.5, 0.99, 1]), [1, 50_000, 99_000, 100_000]);
  });
});
