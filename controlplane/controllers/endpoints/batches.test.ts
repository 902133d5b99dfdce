import assert from "node:assert/strict";
import { resources } from "../../../client/resources.ts";
import type { Controller } from "../controller.ts";
import { controllerRig } from "../testing/controller-rig.ts";
import { meta, pod } from "../testing/objects.ts";
import { endpointSliceController, endpointsController } from "./endpoints-controllers.ts";

const batches: readonly (readonly [Controller, string])[] = [
  [endpointSliceController, "--endpointslice-updates-batch-period=10s"],
  [endpointsController, "--endpoint-updates-batch-period=10s"],
];

describe("controlplane/controllers/endpoints batches", () => {
  for (const [controller, flag] of batches)
    it(`lets changes of pods wait for others with ${flag}, and none of Services`, async () => {
      const rig = await controllerRig(controller, { flags: [flag] });
      const { api, clock, queue } = rig;
      await api.create(resources.services, {
        metadata: meta("web"),
        spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
      });
      await clock.advance(0);
      assert.equal(queue.length, 1);
      await rig.settle();
      const made = pod("p1", { ip: "10.0.0.1", readyFor: 10, node: "n1" });
      await api.create(resources.pods, { ...made, metadata: { ...made.metadata, labels: { app: "web" } } });
      await clock.advance(9_999);
      assert.equal(queue.length, 0);
      await clock.advance(1);
      assert.equal(queue.length, 1);
    });
});
