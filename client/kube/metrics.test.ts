import assert from "node:assert/strict";
import { Metrics } from "./metrics.ts";

describe("metrics of a program", () => {
  it("count what it counts, and read what it shows", async () => {
    const metrics = new Metrics();
    const made = metrics.counter("made_total", "Made.");
    const failed = metrics.counter("failed_total", "Failed, by why.", ["why"]);
    let waiting = 1;
    metrics.gauge("waiting", "Waiting.", () => waiting);
    made.add();
    made.add(2);
    failed.add(1, { why: "late" });
    waiting = 7;
    const lines = (await metrics.text()).split("\n").filter((line) => !line.startsWith("#") && line !== "");
    assert.deepEqual(lines, ["made_total 3", 'failed_total{why="late"} 1', "waiting 7"]);
  });

  it("are refused where they would go backwards, or take another's name", () => {
    const metrics = new Metrics();
    assert.throws(() => metrics.counter("made_total", "Made.").add(-1));
    assert.throws(() => metrics.counter("made_total", "Made."), /made_total/);
  });
});
