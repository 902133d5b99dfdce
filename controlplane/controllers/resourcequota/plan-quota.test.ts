import assert from "node:assert/strict";
import { evaluatorsFor } from "../../../client/rules/quota-kinds.ts";
import type { KubeObject, ResourceQuota } from "../../../client/types.ts";
import { ago, meta, nowMs, pod } from "../testing/objects.ts";
import { planQuota } from "./plan-quota.ts";

type Spec = ResourceQuota["spec"];
const quotaOf = (spec: Spec, status?: ResourceQuota["status"]): ResourceQuota => ({
  apiVersion: "v1",
  kind: "ResourceQuota",
  metadata: meta("q"),
  spec,
  ...(status !== undefined && { status }),
});
const plan = (quota: ResourceQuota, objects: Readonly<Record<string, readonly object[]>>) =>
  planQuota({
    quota,
    counted: evaluatorsFor(Object.keys(quota.spec.hard ?? {}))
      .filter(({ plural }) => objects[plural] !== undefined)
      .map((evaluator) => ({ evaluator, objects: objects[evaluator.plural] as readonly KubeObject[] })),
    nowMs,
  });
const asking = (name: string, cpu: string, more: object = {}) =>
  pod(name, { spec: { containers: [{ name: "c", resources: { requests: { cpu } } }], ...more } });

describe("controlplane/controllers/resourcequota/plan-quota", () => {
  it("counts what is there, in the quota's own names", () => {
    const hard = { pods: "5", "requests.cpu": "2", "count/secrets": "9", secrets: "9" };
    const pods = [asking("a", "300m"), asking("b", "0.7"), pod("done", { phase: "Succeeded" })];
    const { status } = plan(quotaOf({ hard }), { pods, secrets: [{}, {}] });
    assert.deepEqual(status, {
      hard,
      used: { pods: "2", "requests.cpu": "1", "count/secrets": "2", secrets: "2" },
    });
  });

  it("counts only what is in its scopes", () => {
    const pods = [asking("a", "1"), asking("b", "1", { activeDeadlineSeconds: 5 }), pod("c")];
    const used = (spec: Spec) => plan(quotaOf({ hard: { pods: "5" }, ...spec }), { pods }).status?.used?.pods;
    assert.equal(used({}), "3");
    assert.equal(used({ scopes: ["Terminating"] }), "1");
    assert.equal(used({ scopes: ["BestEffort"] }), "1");
    assert.equal(used({ scopes: ["NotBestEffort", "NotTerminating"] }), "1");
    const matchExpressions = [{ scopeName: "PriorityClass", operator: "DoesNotExist" }];
    assert.equal(used({ scopeSelector: { matchExpressions } }), "3");
  });

  it("writes nothing where everything stands as it is, in whatever notation", () => {
    const status = { hard: { "requests.cpu": "2" }, used: { "requests.cpu": "1" } };
    const quota = quotaOf({ hard: { "requests.cpu": "2000m" } }, status);
    assert.deepEqual(plan(quota, { pods: [asking("a", "1000m")] }), {});
    assert.deepEqual(plan(quota, { pods: [] }).status?.used, { "requests.cpu": "0" });
    assert.equal(plan(quotaOf({}), {}).status?.used !== undefined, true);
  });

  it("leaves what it cannot count as it was, and drops what is limited no more", () => {
    const status = { hard: { pods: "1", secrets: "1" }, used: { pods: "1", secrets: "7" } };
    const quota = quotaOf({ hard: { secrets: "1", "count/things.example.com": "3" } }, status);
    assert.deepEqual(plan(quota, {}).status, {
      hard: { secrets: "1", "count/things.example.com": "3" },
      used: { secrets: "7" },
    });
  });

  it("counts a pod that its node does not let go of until its grace is over, and looks again then", () => {
    const going = (seconds: number) =>
      pod("p", { meta: { deletionTimestamp: ago(seconds), deletionGracePeriodSeconds: 30 } });
    const quota = quotaOf({ hard: { pods: "5", "count/pods": "5" } });
    const late = plan(quota, { pods: [going(31)] });
    assert.deepEqual([late.status?.used, late.recheckInMs], [{ pods: "0", "count/pods": "1" }, undefined]);
    const early = plan(quota, { pods: [going(20)] });
    assert.deepEqual([early.status?.used, early.recheckInMs], [{ pods: "1", "count/pods": "1" }, 10_001]);
  });
});
