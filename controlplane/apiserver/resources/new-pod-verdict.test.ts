import assert from "node:assert/strict";
import type { Pod } from "../../../client/types.ts";
import { newPodProblems, newPodWarnings } from "./new-pod-verdict.ts";

const pod = (name: string, spec: object = {}, annotations: Record<string, string> = {}) =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, annotations },
    spec: {
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      terminationGracePeriodSeconds: 30,
      containers: [{ name: "c", image: "i", imagePullPolicy: "Always", terminationMessagePolicy: "File" }],
      ...spec,
    },
  }) as unknown as Pod;

const problemsOf = (one: Pod) => newPodProblems(one).map(({ field }) => field);

describe("what is said of new pods", () => {
  it("is the same of all with one spec, and another thing of each other spec", () => {
    for (let round = 0; round < 2; round++) {
      assert.deepEqual(problemsOf(pod("a")), []);
      assert.deepEqual(problemsOf(pod("b")), []);
      assert.deepEqual(problemsOf(pod("a", { nodeName: "Bad_Name" })), ["spec.nodeName"]);
      assert.deepEqual(problemsOf(pod("a", { restartPolicy: "Sometimes" })), ["spec.restartPolicy"]);
      assert.deepEqual(problemsOf(pod("a", { nodeName: "n", schedulingGates: [{ name: "a/b" }] })), [
        "spec.nodeName",
      ]);
    }
  });

  it("is asked anew where a pod has changed, or its annotations have", () => {
    const one = pod("a");
    assert.deepEqual(problemsOf(one), []);
    one.spec.restartPolicy = "Sometimes";
    assert.deepEqual(problemsOf(one), ["spec.restartPolicy"]);
    const critical = "scheduler.alpha.kubernetes.io/critical-pod";
    assert.deepEqual(newPodWarnings(pod("a")), []);
    assert.equal(newPodWarnings(pod("a", {}, { [critical]: "" })).length, 1);
  });

  it("warns of each name by itself", () => {
    newPodProblems(pod("a"));
    assert.equal(newPodWarnings(pod("a.b")).length, 1);
    assert.deepEqual(newPodWarnings(pod("a")), []);
  });
});
