import assert from "node:assert/strict";
import { ProbeCounts } from "./probe-counts.ts";

describe("agent/probes/probe-counts", () => {
  it("tells how often each container was probed, and forgets pods that are gone", () => {
    const counts = new ProbeCounts();
    const probe = { podUid: "u", container: "c", kind: "readiness", seconds: 0.02 } as const;
    counts.count({ ...probe, result: "failed" });
    counts.count({ ...probe, result: "successful" });
    counts.count({ ...probe, result: "successful" });
    counts.count({ ...probe, podUid: "other", kind: "liveness", result: "unknown" });
    const pods = new Map([["u", { namespace: "n", name: "web" }]]);
    const text = counts.text(pods);
    const labels = 'container="c",namespace="n",pod="web",pod_uid="u",probe_type="Readiness"';
    assert.ok(text.includes(`prober_probe_total{${labels},result="failed"} 1\n`));
    assert.ok(text.includes(`prober_probe_total{${labels},result="successful"} 2\n`));
    assert.match(text, /prober_probe_duration_seconds_bucket\{.*probe_type="Readiness",le="0.025"\} 3\n/);
    assert.doesNotMatch(text, /Liveness/);
    assert.equal(counts.text(new Map()), "");
  });
});
