import assert from "node:assert/strict";
import { systemOs } from "../run-component.ts";
import type { ClusterState } from "./cluster-state.ts";
import { decidePlan, type HeldPlan, type PlanRequest } from "./plan.ts";
import { addressing } from "./topology.ts";

describe("the plan of a cluster of plain processes", () => {
  const held: HeldPlan[] = [];
  afterEach(() => {
    for (const plan of held.splice(0)) plan.release();
  });
  const decide = async (before?: ClusterState, more: Partial<Pick<PlanRequest, "proxyMode">> = {}) => {
    const request = {
      replicas: 1,
      nodes: 1,
      runtime: "process",
      apiPort: 0,
      dualStack: false,
      clusterDns: [],
      proxyMode: undefined,
      resourceMetrics: true,
      publishMetrics: false,
      featureGates: [],
      given: new Set<string>(),
    };
    const decided = await decidePlan(
      { ...request, ...more, runtime: "process" },
      before,
      systemOs("error", "text"),
    );
    held.push(decided);
    return decided;
  };

  it("shares no address with that of another one that runs on the machine", async () => {
    const [one, other] = [await decide(), await decide()].map(({ plan }) => addressing(plan));
    const ranges = [one, other].flatMap((net) => [net?.serviceRange, net?.podRange]);
    assert.equal(new Set(ranges).size, 4, ranges.join(" "));
    for (const range of ranges) assert.match(range ?? "", /^127\.\d+\.0\.0\/16$/);
  });

  it("leaves no choice of what leads to Services, first and later", async () => {
    const why = /--proxy-mode: iptables leads to containers/;
    await assert.rejects(decide(undefined, { proxyMode: "iptables" }), why);
    const { plan, release } = await decide();
    release();
    const before: ClusterState = { version: 1, plan, supervisorPid: null, components: [] };
    await assert.rejects(decide(before, { proxyMode: "iptables" }), why);
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
