import assert from "node:assert/strict";
import type { PodDisruptionBudget } from "../../../client/types.ts";
import { ago, meta, now, nowMs, pod } from "../testing/objects.ts";
import { failedStatus, planBudget } from "./plan-budget.ts";

function budget(
  spec: Partial<PodDisruptionBudget["spec"]>,
  status?: PodDisruptionBudget["status"],
): PodDisruptionBudget {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: meta("web", { generation: 2 }),
    spec: { selector: {}, ...spec },
    ...(status !== undefined && { status }),
  };
}
const ready = (count: number) => Array.from({ length: count }, (_, at) => pod(`p${at}`, { readyFor: 5 }));

describe("controlplane/controllers/disruption/plan-budget", () => {
  const allowed = (spec: Partial<PodDisruptionBudget["spec"]>, pods = ready(3), scale?: number) => {
    const { status } = planBudget({ budget: budget(spec), pods, scale, nowMs });
    return [status.disruptionsAllowed, status.desiredHealthy, status.expectedPods];
  };

  it("allows what is healthy beyond what must be", () => {
    assert.deepEqual(allowed({ minAvailable: 2 }), [1, 2, 3]);
    assert.deepEqual(allowed({ minAvailable: 4 }), [0, 4, 3]);
    assert.deepEqual(allowed({ minAvailable: "50%" }, ready(3), 4), [1, 2, 4]);
    assert.deepEqual(allowed({ maxUnavailable: 1 }, ready(3), 3), [1, 2, 3]);
    assert.deepEqual(allowed({ maxUnavailable: "30%" }, ready(4), 4), [2, 2, 4]);
    assert.deepEqual(allowed({ maxUnavailable: 5 }, ready(3), 3), [3, 0, 3]);
    assert.deepEqual(allowed({ minAvailable: 1 }, []), [0, 1, 0]);
    assert.deepEqual(allowed({}), [0, 0, 0]);
  });

  it("does not count pods that are unready, going, or about to go", () => {
    const going = pod("p2", { readyFor: 5, meta: { deletionTimestamp: now } });
    assert.deepEqual(allowed({ minAvailable: 1 }, [...ready(2), going]), [1, 1, 3]);
    const disruptedPods = { p0: ago(10), p1: ago(200), gone: ago(5) };
    const counts = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    const plan = planBudget({
      budget: budget({ minAvailable: 1 }, { ...counts, disruptedPods }),
      pods: ready(3),
      scale: undefined,
      nowMs,
    });
    assert.deepEqual(plan.status.disruptedPods, { p0: ago(10) });
    assert.deepEqual([plan.status.currentHealthy, plan.recheckInMs], [2, 110_000]);
    assert.deepEqual(
      plan.notDeleted.map(({ metadata }) => metadata.name),
      ["p1"],
    );
  });

  it("counts a pod whose name all objects inherit", () => {
    const counts = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    const plan = planBudget({
      budget: budget({ minAvailable: 1 }, { ...counts, disruptedPods: {} }),
      pods: [pod("constructor", { readyFor: 5 }), ...ready(1)],
      scale: undefined,
      nowMs,
    });
    assert.deepEqual([plan.status.currentHealthy, plan.notDeleted], [2, []]);
  });

  it("says in a condition whether pods may go, since when, and what went wrong", () => {
    const first = planBudget({
      budget: budget({ minAvailable: 2 }),
      pods: ready(3),
      scale: undefined,
      nowMs,
    });
    const condition = {
      type: "DisruptionAllowed",
      status: "True",
      observedGeneration: 2,
      lastTransitionTime: now,
      reason: "SufficientPods",
      message: "",
    };
    assert.deepEqual(first.status.conditions, [condition]);
    const again = { budget: budget({ minAvailable: 2 }, first.status), pods: ready(3), scale: undefined };
    assert.deepEqual(planBudget({ ...again, nowMs: nowMs + 5000 }).status, first.status);
    const failed = failedStatus(again.budget, "found no controllers", nowMs);
    assert.deepEqual([failed.disruptionsAllowed, failed.conditions?.[0]?.reason], [0, "SyncFailed"]);
    assert.equal(failed.conditions?.[0]?.message, "found no controllers");
  });
});
