import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { FakeApi } from "../../../client/testing/fake-api.ts";
import type { ClusterRole } from "../../../client/types.ts";
import { startTestCluster, type TestCluster } from "../testing/cluster.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { clusterRoleAggregationController } from "./cluster-role-aggregation-controller.ts";

describe("cluster roles that gather others' rules", () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  const gizmos = { verbs: ["get"], apiGroups: ["acme.io"], resources: ["gizmos"] };
  const has = (all: readonly ClusterRole[], name: string) =>
    all
      .find(({ metadata }) => metadata.name === name)
      ?.rules?.some(({ apiGroups = [] }) => apiGroups.includes("acme.io")) ?? false;
  const whose = (all: readonly ClusterRole[]) => ["admin", "edit", "view"].filter((name) => has(all, name));

  it("follow the roles that their labels choose, through each other, and back", async () => {
    const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
    await cluster.client.create(resources.clusterroles, {
      metadata: { name: "gizmo-reader", labels },
      rules: [gizmos],
    });
    await cluster.until(
      resources.clusterroles,
      "admin, edit and view may see gizmos",
      (all) => whose(all).length === 3,
    );
    await cluster.client.delete(resources.clusterroles, { name: "gizmo-reader" });
    await cluster.until(resources.clusterroles, "nobody may see gizmos", (all) => whose(all).length === 0);
  });

  it("own their rules alone: what users set beside them stays", async () => {
    const view = await cluster.client.get(resources.clusterroles, { name: "view" });
    assert.ok((view.rules ?? []).length > 10);
    const managers = (view.metadata.managedFields ?? []).map(
      ({ manager, operation }) => `${manager} ${operation}`,
    );
    assert.ok(managers.includes("clusterrole-aggregation-controller Apply"), managers.join());
  });

  it("are not made again where the cache shows one that is gone", async () => {
    const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { to: "gone" } }] };
    const gone = await cluster.client.create(resources.clusterroles, {
      metadata: { name: "gone" },
      aggregationRule,
    });
    await cluster.client.delete(resources.clusterroles, { name: "gone" });
    const part = { metadata: { name: "part", labels: { to: "gone" } }, rules: [gizmos] };
    const behind = new FakeApi();
    await behind.create(resources.clusterroles, gone);
    await behind.create(resources.clusterroles, part);
    const api = Object.assign(behind, { patch: cluster.client.patch.bind(cluster.client) });
    const rig = await controllerRig(clusterRoleAggregationController, { api });
    await rig.sync("gone");
    await rig.stop();
    const { items } = await cluster.client.list(resources.clusterroles);
    assert.ok(!items.some(({ metadata }) => metadata.name === "gone"));
  });
});
