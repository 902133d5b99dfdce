import assert from "node:assert/strict";
import { MetricsRegistry } from "./metrics.ts";

describe("tallies", () => {
  it("count by label, and are written beside the other metrics", async () => {
    const metrics = new MetricsRegistry();
    metrics.counter("plain_total", "Plain.").inc();
    const calls = metrics.tally<"method">("calls_total", "Calls.");
    calls.of({ method: "a" }).count++;
    calls.of({ method: "a" }).count++;
    calls.of({ method: 'quote " and \\' }).count += 3;
    const text = await metrics.text();
    assert.match(text, /^plain_total 1$/m);
    assert.match(text, /^# TYPE calls_total counter$/m);
    assert.match(text, /^calls_total\{method="a"\} 2$/m);
    assert.match(text, /^calls_total\{method="quote \\" and \\\\"\} 3$/m);
  });
  it("that go up and down keep what they are when counting begins anew", async () => {
    const metrics = new MetricsRegistry();
    const inside = metrics.standing<"room" | "door">("inside", "Inside.").of({ room: "a", door: "b" });
    inside.count += 3;
    inside.count--;
    metrics.reset();
    assert.match(await metrics.text(), /^# TYPE inside gauge\ninside\{door="b",room="a"\} 2$/m);
  });
  it("are told apart by labels whose texts put together look the same", () => {
    const calls = new MetricsRegistry().tally<"a" | "b">("calls_total", "Calls.");
    const one = calls.of({ a: "x", b: "y" });
    assert.equal(calls.of({ a: "x", b: "y" }), one);
    assert.notEqual(calls.of({ a: "xy", b: "" }), one);
  });
  it("add observations up by bucket", async () => {
    const metrics = new MetricsRegistry();
    const took = metrics.buckets<"method">("took_seconds", "Took.", [0.1, 1]).of({ method: "a" });
    for (const value of [0.05, 0.1, 0.5, 7]) took.observe(value);
    const text = await metrics.text();
    assert.match(text, /^took_seconds_bucket\{method="a",le="0.1"\} 2$/m);
    assert.match(text, /^took_seconds_bucket\{method="a",le="1"\} 3$/m);
    assert.match(text, /^took_seconds_bucket\{method="a",le="\+Inf"\} 4$/m);
    assert.match(text, /^took_seconds_sum\{method="a"\} 7.65$/m);
    assert.match(text, /^took_seconds_count\{method="a"\} 4$/m);
  });
  it("are read when somebody looks", async () => {
    const metrics = new MetricsRegistry();
    let seen = 1;
    metrics.counted("seen_total", "Seen.", () => seen);
    seen = 5;
    assert.match(await metrics.text(), /# TYPE seen_total counter\nseen_total 5\n/);
  });
});
