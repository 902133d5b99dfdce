import assert from "node:assert/strict";
import type { Pod } from "../../client/types.ts";
import { markUnschedulable } from "./bind.ts";

describe("what a pod is told that fits nowhere", () => {
  const verdict = { reason: "Unschedulable", message: "0/1 nodes are available" } as const;
  const told = async (generation: number, conditions: object[] = []) => {
    const pod = { metadata: { name: "p", uid: "u", generation }, spec: {}, status: { conditions } };
    const patches: unknown[] = [];
    const client = { patch: async (...given: unknown[]) => patches.push(given[2]) };
    const options = { nowMs: 0, signal: new AbortController().signal };
    await markUnschedulable(client as never, pod as unknown as Pod, verdict, options);
    return patches;
  };
  const condition = {
    type: "PodScheduled",
    status: "False",
    ...verdict,
    lastProbeTime: null,
    lastTransitionTime: "1970-01-01T00:00:00Z",
  };

  it("says of which generation, and says it again of the next one, without a new time", async () => {
    const first = { ...condition, observedGeneration: 1 };
    assert.deepEqual(await told(1), [{ metadata: { uid: "u" }, status: { conditions: [first] } }]);
    assert.deepEqual(await told(1, [first]), []);
    const second = { ...condition, observedGeneration: 2 };
    assert.deepEqual(await told(2, [first]), [{ metadata: { uid: "u" }, status: { conditions: [second] } }]);
  });
});
