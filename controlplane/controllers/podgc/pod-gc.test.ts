import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { ago, node, pod } from "../testing/objects.ts";
import { podGcController } from "./pod-gc-controller.ts";

describe("controlplane/controllers/podgc", () => {
  it("frees what was to end on a node once somebody says that it is out of service, and counts it", async () => {
    const rig = await controllerRig(podGcController);
    const { api, clock } = rig;
    const { namespace: _, ...metadata } = node("dark").metadata;
    await api.create(resources.nodes, { ...node("dark", { ready: "Unknown" }), metadata });
    await api.create(resources.pods, pod("ends", { node: "dark", meta: { deletionTimestamp: ago(1) } }));
    await api.create(resources.pods, pod("runs", { node: "dark" }));
    await rig.settle();
    clock.advance(10_000);
    await rig.settle();
    assert.equal(api.all(resources.pods).length, 2);
    const taints = [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }];
    await api.patch(resources.nodes, { name: "dark" }, { spec: { taints } }, { type: "merge" });
    await rig.settle();
    clock.advance(10_000);
    await rig.settle();
    assert.deepEqual(
      api.all(resources.pods).map(({ metadata }) => metadata.name),
      ["runs"],
    );
    assert.match(
      await rig.meter.text(),
      /pod_gc_collector_force_delete_pods_total\{namespace="default",reason="out-of-service"\} 1\n/,
    );
    await rig.stop();
  });

  it("removes all others where one cannot be removed, and tries that one again", async () => {
    const rig = await controllerRig(podGcController);
    const { api, clock } = rig;
    for (const name of ["first", "second", "third"])
      await api.create(resources.pods, pod(name, { meta: { deletionTimestamp: ago(1) } }));
    api.intercept = ({ verb, key }) =>
      verb === "updateStatus" && key.endsWith("/first")
        ? Promise.reject(new Error("no"))
        : Promise.resolve(undefined);
    clock.advance(10_000);
    await assert.rejects(rig.settle(), /no/);
    const left = () => api.all(resources.pods).map(({ metadata }) => metadata.name);
    assert.deepEqual(left(), ["first"]);
    api.intercept = () => Promise.resolve(undefined);
    await rig.sync("pods");
    assert.deepEqual(left(), []);
    await rig.stop();
  });
});
