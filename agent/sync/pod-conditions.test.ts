import { strict as assert } from "node:assert";
import type { Pod } from "../../client/types.ts";
import { conditionsOf } from "./pod-conditions.ts";

describe("a pod's conditions", () => {
  it("say which generation of the pod they were seen of; those of others stay as they are", () => {
    const others = [{ type: "example.com/gate", status: "True", observedGeneration: 1 }];
    const pod = {
      metadata: { name: "p", namespace: "d", uid: "u", generation: 3 },
      spec: { containers: [{ name: "c" }] },
      status: { conditions: others },
    } as Pod;
    const observed = { sandboxes: [], containers: [] };
    const conditions = conditionsOf({ pod, observed, nowMs: 0 }, "Pending", [], []);
    assert.deepEqual(
      conditions.map(({ type, observedGeneration }) => [type, observedGeneration]),
      [
        ["PodReadyToStartContainers", 3],
        ["Initialized", 3],
        ["Ready", 3],
        ["ContainersReady", 3],
        ["PodScheduled", 3],
        ["example.com/gate", 1],
      ],
    );
  });
});
