import assert from "node:assert/strict";
import { WorkerRig } from "./testing/worker-rig.ts";

describe("the count of containers that ended", () => {
  let rig: WorkerRig;
  let counted: Record<string, string>[];
  beforeEach(async () => {
    counted = [];
    rig = await WorkerRig.open();
    Object.assign(rig.context, {
      terminations: { inc: (labels: Record<string, string>) => counted.push(labels) },
    });
  });
  afterEach(() => rig.close());

  it("has each end once, by sort, exit code and reason, and none again by the next agent", async () => {
    await rig.run({
      restartPolicy: "Never",
      initContainers: [{ name: "i", image: "i", command: ["run"] }],
    });
    rig.runtime.exit(await rig.untilRunning("i"), 0);
    rig.runtime.exit(await rig.untilRunning("c"), 139);
    await rig.untilPod(({ status }) => status?.phase === "Failed", "over");
    const both = [
      { container_type: "init_container", exit_code: "0", reason: "Completed" },
      { container_type: "container", exit_code: "139", reason: "Error" },
    ];
    assert.deepEqual(counted, both);
    await rig.stopAgent();
    await rig.startAgent();
    await rig.patch({ metadata: { labels: { touched: "yes" } } });
    await rig.clock.advance(1_000);
    assert.deepEqual(counted, both);
  });
});
