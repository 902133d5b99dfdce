import assert from "node:assert/strict";
import fc from "fast-check";
import type { Namespace } from "../../../client/types.ts";
import { type Findings, planNamespace, podsFirst } from "./plan-namespace.ts";

describe("controlplane/controllers/namespace order", () => {
  it("removes pods before anything that they use", () => {
    const kind = (plural: string, group = "") => ({ group, plural });
    const served = [kind("configmaps"), kind("secrets"), kind("pods", "metrics.k8s.io"), kind("pods")];
    assert.deepEqual(
      podsFirst(served).map(({ group, plural }) => `${group}/${plural}`),
      ["/pods", "/configmaps", "/secrets", "metrics.k8s.io/pods"],
    );
  });
});

describe("controlplane/controllers/namespace plan", () => {
  const counts = fc.dictionary(fc.constantFrom("pods.", "widgets.acme.io"), fc.integer({ min: 1, max: 3 }));
  const findings = fc.record({
    undiscovered: fc.subarray(["acme.io/v1: down"]),
    failures: fc.subarray(["pods.: no", "widgets.acme.io: no"]),
    remaining: counts,
    finalizers: counts,
  });
  const empty = { metadata: { name: "n" }, status: { phase: "Terminating" } } as unknown as Namespace;

  it("in any life lets the namespace go only when nothing is left, and says once what keeps it", () => {
    fc.assert(
      fc.property(fc.array(findings, { minLength: 1, maxLength: 5 }), (life) => {
        let namespace = empty;
        for (const [round, found] of life.entries()) {
          const seen: Findings = {
            ...found,
            remaining: new Map(Object.entries(found.remaining)),
            finalizers: new Map(Object.entries(found.finalizers)),
          };
          const isEmpty = found.undiscovered.length + found.failures.length + seen.remaining.size === 0;
          const before = namespace.status?.conditions ?? [];
          const plan = planNamespace(namespace, seen, round * 1000);
          assert.equal(plan.finalize, isEmpty);
          if (isEmpty) {
            assert.equal(plan.conditions, undefined);
            continue;
          }
          const conditions = [...(plan.conditions ?? before)];
          namespace = { ...namespace, status: { ...namespace.status, conditions } };
          assert.equal(planNamespace(namespace, seen, 60_000).conditions, undefined, "says it again");
          const isTrue = (type: string) =>
            conditions.find((one) => one.type === `Namespace${type}`)?.status === "True";
          assert.deepEqual(
            [
              isTrue("DeletionDiscoveryFailure"),
              isTrue("DeletionContentFailure"),
              isTrue("ContentRemaining"),
              isTrue("FinalizersRemaining"),
            ],
            [
              found.undiscovered.length > 0,
              found.failures.length > 0,
              seen.remaining.size > 0,
              seen.finalizers.size > 0,
            ],
          );
          for (const old of before) {
            const now = conditions.find(({ type }) => type === old.type);
            if (now?.status === old.status) assert.equal(now.lastTransitionTime, old.lastTransitionTime);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
