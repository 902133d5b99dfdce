import assert from "node:assert/strict";
import { ago, pod } from "../testing/objects.ts";
import { planPodGc } from "./plan-pod-gc.ts";

describe("controlplane/controllers/podgc/plan-pod-gc", () => {
  it("removes pods of gone nodes, those never placed, and the oldest that ended", () => {
    const ended = (name: string, age: number) =>
      pod(name, { node: "here", phase: "Succeeded", meta: { creationTimestamp: ago(age) } });
    const pods = [
      pod("lost", { node: "gone" }),
      pod("fine", { node: "here" }),
      pod("waiting"),
      pod("never", { meta: { deletionTimestamp: "x" } }),
      ended("young", 10),
      ended("old", 100),
    ];
    const plan = (gone: string, finishedMost: number) =>
      planPodGc({ pods, isGone: (name) => name === gone, isOutOfService: () => false, finishedMost });
    assert.deepEqual(
      plan("gone", 1).map(({ pod: { metadata }, reason }) => `${metadata.name} ${reason}`),
      ["lost orphaned", "never unscheduled", "old terminated"],
    );
    assert.equal(plan("", 0).length, 1);
  });

  it("removes evicted pods before older ones that ended by themselves", () => {
    const old = pod("old", { node: "n", phase: "Failed", meta: { creationTimestamp: ago(100) } });
    const young = pod("young", { node: "n", phase: "Failed", meta: { creationTimestamp: ago(1) } });
    const evicted = { ...young, status: { phase: "Failed", reason: "Evicted" } };
    const plan = planPodGc({
      pods: [old, evicted],
      isGone: () => false,
      isOutOfService: () => false,
      finishedMost: 1,
    });
    assert.deepEqual(plan, [{ pod: evicted, reason: "terminated" }]);
  });

  it("removes what is to end on a node that is out of service, and nothing else there", () => {
    const going = { deletionTimestamp: ago(1) };
    const pods = [pod("ends", { node: "dark", meta: going }), pod("runs", { node: "dark" })];
    const plan = planPodGc({
      pods: [...pods, pod("elsewhere", { node: "n", meta: going })],
      isGone: () => false,
      isOutOfService: (name) => name === "dark",
      finishedMost: 0,
    });
    assert.deepEqual(plan, [{ pod: pods[0], reason: "out-of-service" }]);
  });
});
