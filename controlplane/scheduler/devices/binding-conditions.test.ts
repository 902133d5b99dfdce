import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import { deviceCluster } from "../testing/device-cluster.ts";
import { asks, driver, sketchClaim, sketchClass, sketchSlice } from "../testing/device-objects.ts";

const attaching = {
  bindingConditions: ["Attached", "Warm"],
  bindingFailureConditions: ["Broken"],
  bindsToNode: true,
};

/** A claim of one device that has to be attached first, and a pod that waits for it. */
async function waiting(devices: readonly object[] = [{ name: "a", ...attaching }]) {
  const cluster = await deviceCluster();
  const { api, time, addClaim, addPod, claimNamed } = cluster;
  await api.create(resources.deviceclasses, sketchClass());
  for (const [index, device] of devices.entries())
    await api.create(resources.resourceslices, sketchSlice(`p${index}`, [device]));
  await addClaim(sketchClaim("gpu", [asks("r")]));
  await addPod("train", ["gpu"]);
  await time.advance(200);
  const tell = async (conditions: Readonly<Record<string, string>>) => {
    const claim = claimNamed("gpu");
    const [device] = claim?.status?.allocation?.devices?.results ?? [];
    assert.ok(claim && device);
    const told = Object.entries(conditions).map(([type, status]) => ({
      type,
      status,
      reason: `${type}Now`,
      message: "as told",
    }));
    const { pool } = device;
    const status = { ...claim.status, devices: [{ driver, pool, device: device.device, conditions: told }] };
    await api.updateStatus(resources.resourceclaims, { ...claim, status } as never);
    await time.advance(200);
  };
  return { ...cluster, tell };
}

describe("controlplane/scheduler: devices that have to get ready for a node", () => {
  it("are written down, and the pod is bound once all that is awaited of them is true", async () => {
    const { api, scheduler, tell, claimNamed, podNamed, nodeOf, metrics } = await waiting();
    const { devices, nodeSelector } = claimNamed("gpu")?.status?.allocation ?? {};
    const { bindingConditions, bindingFailureConditions } = attaching;
    assert.deepEqual(devices?.results, [
      { request: "r", driver, pool: "p0", device: "a", bindingConditions, bindingFailureConditions },
    ]);
    const aimed = podNamed("train")?.status?.nominatedNodeName;
    assert.deepEqual(nodeSelector?.nodeSelectorTerms[0]?.matchFields?.[0]?.values, [aimed]);
    const pending = api.all(resources.events).find(({ reason }) => reason === "BindingConditionsPending");
    assert.equal(pending?.message, `waiting for binding conditions for device on node ${aimed}`);
    await tell({ Attached: "True", Warm: "False" });
    assert.equal(nodeOf("train"), undefined);
    await tell({ Attached: "True", Warm: "True" });
    assert.equal(nodeOf("train"), aimed);
    assert.match(
      await metrics.text(),
      new RegExp(
        `dra_bindingconditions_allocations_total{driver="${driver}",profile="default-scheduler",status="success"} 1`,
      ),
    );
    await scheduler.stop();
  });

  it("are given up when their driver says that they will not, and others are found", async () => {
    const { api, time, scheduler, tell, devicesOf, nodeOf, usersOf } = await waiting([
      { name: "a", ...attaching },
      { name: "b", ...attaching },
    ]);
    assert.deepEqual(devicesOf("gpu"), ["a"]);
    const [first] = api.all(resources.resourceslices);
    assert.ok(first);
    const spec = { ...first.spec, devices: [{ name: "c", ...attaching }] };
    await api.update(resources.resourceslices, { ...first, spec } as never);
    await tell({ Attached: "True", Warm: "True", Broken: "True" });
    const failed = api.all(resources.events).find(({ reason }) => reason === "FailedScheduling");
    assert.equal(
      failed?.message,
      'running PreBind plugin "DynamicResources": device binding failed: claim=gpu, reason=BrokenNow, message="as told"',
    );
    await time.advance(20_000);
    assert.deepEqual([devicesOf("gpu"), usersOf("gpu"), nodeOf("train")], [["c"], ["train"], undefined]);
    await tell({ Attached: "True", Warm: "True" });
    assert.notEqual(nodeOf("train"), undefined);
    await scheduler.stop();
  });

  it("are given up when they take too long", async () => {
    const { api, time, scheduler, claimNamed, nodeOf } = await waiting();
    const since = claimNamed("gpu")?.status?.allocation?.allocationTimestamp;
    await time.advance(590_000);
    const failures = () => api.all(resources.events).filter(({ reason }) => reason === "FailedScheduling");
    assert.deepEqual(failures(), []);
    await time.advance(30_000);
    assert.equal(
      failures()[0]?.message,
      'running PreBind plugin "DynamicResources": device binding timeout: claim=gpu',
    );
    assert.notEqual(
      claimNamed("gpu")?.status?.allocation?.allocationTimestamp,
      since,
      "it was allocated anew",
    );
    assert.equal(nodeOf("train"), undefined);
    await scheduler.stop();
  });

  it("are taken only where there are no others", async () => {
    const { scheduler, devicesOf, nodeOf } = await waiting([{ name: "a", ...attaching }, { name: "b" }]);
    assert.deepEqual(devicesOf("gpu"), ["b"]);
    assert.notEqual(nodeOf("train"), undefined);
    await scheduler.stop();
  });
});
