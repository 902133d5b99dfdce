import assert from "node:assert/strict";
import type { PolicyRule } from "../types.ts";
import { type AggregatedRole, aggregatedRules, sameRules } from "./aggregated-rules.ts";

const rule = (resource: string): PolicyRule => ({ verbs: ["get"], apiGroups: [""], resources: [resource] });
const role = (name: string, label: string, ...resources: string[]): AggregatedRole => ({
  metadata: { name, labels: { for: label } },
  rules: resources.map(rule),
});
const gathers = (name: string, ...labels: string[]): AggregatedRole => ({
  metadata: { name, labels: { for: "all" } },
  aggregationRule: { clusterRoleSelectors: labels.map((label) => ({ matchLabels: { for: label } })) },
  rules: [rule("old")],
});

describe("the rules of an aggregated cluster role", () => {
  it("are those of the roles that its selectors choose, by name, each once, and never its own", () => {
    const view = gathers("view", "view", "all");
    const all = [
      role("b", "view", "pods", "services"),
      role("a", "view", "secrets", "pods"),
      role("c", "other", "nodes"),
      role("d", "all", "secrets", "leases"),
      view,
    ];
    const names = aggregatedRules(view, all)?.flatMap(({ resources }) => resources ?? []);
    assert.deepEqual(names, ["secrets", "pods", "services", "leases"]);
  });

  it("are none where nothing is chosen, and unknown where the role does not aggregate", () => {
    assert.deepEqual(aggregatedRules(gathers("view", "view"), [role("a", "other", "pods")]), []);
    assert.equal(aggregatedRules(role("a", "x", "pods"), []), undefined);
  });

  it("are the same when an empty list stands for none", () => {
    assert.ok(sameRules([rule("a")], [{ ...rule("a"), resourceNames: [] }]));
    assert.ok(sameRules(undefined, []));
    assert.ok(!sameRules([rule("a"), rule("b")], [rule("b"), rule("a")]));
    assert.ok(!sameRules([rule("a")], []));
  });
});
