import assert from "node:assert/strict";
import fc from "fast-check";
import type { AggregatedRole } from "../../../client/rules/aggregated-rules.ts";
import type { PolicyRule } from "../../../client/types.ts";
import { planClusterRole } from "./plan-cluster-role.ts";

const rule = (resource: string): PolicyRule => ({ verbs: ["get"], apiGroups: [""], resources: [resource] });
const part = { metadata: { name: "part", labels: { to: "view" } }, rules: [rule("pods")] };
const view = (...rules: PolicyRule[]) => ({
  metadata: { name: "view" },
  aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: "view" } }] },
  rules,
});

describe("a cluster role that gathers", () => {
  it("gets the rules of the roles that it chooses", () => {
    assert.deepEqual(planClusterRole(view(), [part]), [rule("pods")]);
    assert.deepEqual(planClusterRole(view(rule("pods"), rule("nodes")), [part]), [rule("pods")]);
    assert.deepEqual(planClusterRole(view(rule("pods")), []), []);
  });

  it("is left alone where it has them, and where it gathers nothing", () => {
    assert.equal(planClusterRole(view(rule("pods")), [part]), undefined);
    assert.equal(planClusterRole(part, [part]), undefined);
  });

  it("in any set of roles comes to have each rule that it can reach once, and no others, and stays so", () => {
    const labels = fc.subarray(["a", "b", "c"]);
    const role = fc.record({
      labels,
      gathers: fc.option(labels, { nil: undefined }),
      rules: fc.subarray(["pods", "nodes", "secrets", "events"]),
    });
    fc.assert(
      fc.property(fc.array(role, { maxLength: 6 }), (given) => {
        const roles: AggregatedRole[] = given.map(({ labels: own, gathers, rules }, at) => ({
          metadata: { name: `r${at}`, labels: Object.fromEntries(own.map((label) => [label, "true"])) },
          ...(gathers !== undefined && {
            aggregationRule: {
              clusterRoleSelectors: gathers.map((label) => ({ matchLabels: { [label]: "true" } })),
            },
          }),
          rules: gathers === undefined ? rules.map(rule) : [],
        }));
        let changes = 1;
        // Each round brings a rule one role further.
        for (let round = 0; changes > 0; round++) {
          assert.ok(round <= roles.length + 1, "does not come to rest");
          changes = 0;
          for (const [at, one] of roles.entries()) {
            const rules = planClusterRole(one, roles);
            if (rules === undefined) continue;
            changes++;
            roles[at] = { ...one, rules: [...rules] };
          }
        }
        /** Those that are chosen by a role, or by one that it chooses, and so on. */
        const reach = (from: number, seen = new Set<number>()): ReadonlySet<number> => {
          for (const label of given[from]?.gathers ?? [])
            for (const [at, { labels: own }] of given.entries())
              if (at !== from && own.includes(label) && !seen.has(at)) reach(at, seen.add(at));
          return seen;
        };
        for (const [at, { gathers, rules }] of given.entries()) {
          const wanted =
            gathers === undefined
              ? rules
              : [...reach(at)].flatMap((other) =>
                  given[other]?.gathers === undefined ? (given[other]?.rules ?? []) : [],
                );
          const has = (roles[at]?.rules ?? []).map(({ resources }) => resources?.[0]);
          assert.deepEqual([...has].sort(), [...new Set(wanted)].sort());
        }
      }),
      { numRuns: 500 },
    );
  });
});
