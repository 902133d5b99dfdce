import { strict as assert } from "node:assert";
import type { ContainerStatus, Pod } from "../../client/types.ts";
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

  describe("Initialized", () => {
    const spec = {
      initContainers: [{ name: "setup" }, { name: "side", restartPolicy: "Always" }],
      containers: [{ name: "main" }],
    };
    const initialized = (
      statuses: Record<string, object>,
      conditions: readonly object[] = [],
      phase = "Running",
    ) => {
      const of = (name: string) =>
        ({ name, ready: false, state: { waiting: {} }, ...statuses[name] }) as unknown as ContainerStatus;
      const pod = { metadata: { name: "p", namespace: "d", uid: "u" }, spec, status: { conditions } };
      const found = conditionsOf(
        { pod: pod as unknown as Pod, observed: { sandboxes: [], containers: [] }, nowMs: 0 },
        phase,
        [of("setup"), of("side")],
        [of("main")],
      ).find(({ type }) => type === "Initialized");
      return `${found?.status} ${found?.reason ?? ""}`.trim();
    };
    const done = { ready: true, state: { terminated: { exitCode: 0 } } };
    const started = { ready: true, started: true, state: { running: {} } };

    it("comes when init containers ended well and sidecars started", () => {
      assert.equal(initialized({}), "False ContainersNotInitialized");
      assert.equal(initialized({ setup: done }), "False ContainersNotInitialized");
      assert.equal(initialized({ setup: done, side: started }), "True");
    });

    it("stays while a sidecar starts anew under a container that runs or ran", () => {
      assert.equal(initialized({ setup: done, main: { state: { running: {} } } }), "True");
      assert.equal(initialized({ setup: done, main: { state: { terminated: { exitCode: 1 } } } }), "True");
    });

    it("stays while all containers start anew", () => {
      assert.equal(initialized({}, [{ type: "Initialized", status: "True" }]), "True");
    });
  });
});
