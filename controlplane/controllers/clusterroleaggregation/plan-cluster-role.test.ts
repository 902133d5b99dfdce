import assert from "node:assert/strict";
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
});
