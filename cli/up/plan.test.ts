import assert from "node:assert/strict";
import { systemOs } from "../run-component.ts";
import type { ClusterState } from "./cluster-state.ts";
import { decidePlan, type HeldPlan } from "./plan.ts";
import { addressing } from "./topology.ts";

describe("the plan of a cluster of plain processes", () => {
  const held: HeldPlan[] = [];
  afterEach(() => {
    for (const plan of held.splice(0)) plan.release();
  });
  const decide = async (before?: ClusterState) => {
    const request = {
      replicas: 1,
      nodes: 1,
      runtime: "process",
      apiPort: 0,
      dualStack: false,
      clusterDns: [],
      resourceMetrics: true,
      given: new Set<string>(),
    };
    const decided = await decidePlan({ ...request, runtime: "process" }, before, systemOs("error", "text"));
    held.push(decided);
    return decided;
  };

  it("shares no address with that of another one that runs on the machine", async () => {
    const [one, other] = [await decide(), await decide()].map(({ plan }) => addressing(plan));
    const ranges = [one, other].flatMap((net) => [net?.serviceRange, net?.podRange]);
    assert.equal(new Set(ranges).size, 4, ranges.join(" "));
    for (const range of ranges) assert.match(range ?? "", /^127\.\d+\.0\.0\/16$/);
  });

  it("keeps its addresses, which no other has taken while it runs", async () => {
    const { plan, release } = await decide();
    const before: ClusterState = {
      version: 1,
      plan: { ...plan, ports: {} },
      supervisorPid: null,
      components: [],
    };
    await assert.rejects(decide(before), /another running cluster has taken .*loopback slot \d+/);
    release();
    assert.deepEqual(addressing((await decide(before)).plan), addressing(plan));
  });
});
