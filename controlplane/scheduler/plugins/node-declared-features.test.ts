import assert from "node:assert/strict";
import { podInfo } from "../cycle/pod-info.ts";
import { sketchCache, sketchNode, sketchPod } from "../testing/cluster.ts";
import { testHandle } from "../testing/test-profile.ts";
import { nodeDeclaredFeatures } from "./node-declared-features.ts";

const feature = "RestartAllContainersOnContainerExits";
const able = { ...sketchNode("able"), status: { ...sketchNode("able").status, declaredFeatures: [feature] } };
const plain = sketchNode("plain");
const restarts = (action: string) =>
  podInfo(
    sketchPod("p", {
      spec: {
        containers: [
          { name: "c", restartPolicyRules: [{ action, exitCodes: { operator: "In", values: [1] } }] },
        ],
      },
    }),
  );
const needy = restarts("RestartAllContainers");

describe("controlplane/scheduler/plugins/node-declared-features", () => {
  const cache = sketchCache([able, plain]);
  const plugin = nodeDeclaredFeatures(undefined, testHandle(cache));
  const refused = (pod = needy) => {
    const prepared = plugin.prepareFilter?.(pod, cache);
    return cache.nodes.flatMap((node) => (prepared?.filter?.(node) === undefined ? [] : [node.name]));
  };

  it("refuses nodes that do not declare what a pod needs, and has nothing to say of other pods", () => {
    assert.deepEqual(refused(), ["plain"]);
    assert.equal(plugin.prepareFilter?.(restarts("Restart"), cache), undefined);
    const shared = podInfo(sketchPod("h", { spec: { hostNetwork: true, hostUsers: false } }));
    assert.deepEqual(refused(shared), ["able", "plain"]);
  });

  it("is helped by nodes that declare it, from the start or later", () => {
    const { nodeAdded, nodeChanged } = plugin.helpedBy ?? {};
    assert.equal(nodeAdded?.(needy, { kind: "nodeAdded", node: able }), true);
    assert.equal(nodeAdded?.(needy, { kind: "nodeAdded", node: plain }), false);
    const event = sketchCache([sketchNode("able")]).putNode(able);
    assert.equal(event?.kind, "nodeChanged", "the scheduler hears of it");
    if (event?.kind === "nodeChanged") assert.equal(nodeChanged?.(needy, event), true);
  });
});
