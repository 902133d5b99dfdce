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
    const plan = planPodGc(pods, (name) => name === "gone", 1);
    assert.deepEqual(
      plan.remove.map(({ metadata }) => metadata.name),
      ["lost", "never", "old"],
    );
    assert.deepEqual(
      plan.orphaned.map(({ metadata }) => metadata.name),
      ["lost"],
    );
    assert.equal(planPodGc(pods, () => false, 0).remove.length, 1);
  });
});
