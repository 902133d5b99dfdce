import { strict as assert } from "node:assert";
import fc from "fast-check";
import { defaultStages, delayOf, parseStages } from "./stages.ts";

const stage = (name: string, spec: string) => `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: ${name}}
spec: {resourceRef: {apiGroup: v1, kind: ${name.startsWith("node") ? "Node" : "Pod"}}, ${spec}}
---`;

describe("agent/simulate/stages", () => {
  const job = { uid: "u", ownerReferences: [{ kind: "Job" }] };

  it("takes the first stage that selects an object, else what holds by default", () => {
    const read = parseStages(
      stage("pod-ready.slow", "selector: {matchLabels: {app: slow}}, delay: {durationMilliseconds: 500}") +
        stage("pod-ready", "delay: {durationMilliseconds: 20}"),
      "f",
    );
    const stages = [...read, ...defaultStages];
    assert.equal(delayOf(stages, "pod-ready", { uid: "u", labels: { app: "slow" } }), 500);
    assert.equal(delayOf(stages, "pod-ready", { uid: "u" }), 20);
    assert.equal(delayOf(stages, "pod-create", { uid: "u" }), 0);
  });

  it("lets pods complete that a Job made, and none fail, unless a file says so", () => {
    assert.equal(delayOf(defaultStages, "pod-complete", job), 0);
    assert.equal(delayOf(defaultStages, "pod-complete", { uid: "u" }), undefined);
    assert.equal(delayOf(defaultStages, "pod-fail", job), undefined);
    const read = parseStages(stage("pod-fail", "selector: {matchAnnotations: {fail: soon}}"), "f");
    assert.equal(delayOf(read, "pod-fail", { uid: "u", annotations: { fail: "soon" } }), 0);
    assert.equal(delayOf(read, "pod-fail", { uid: "u", annotations: { fail: "never" } }), undefined);
  });

  it("spreads delays between shortest and longest, and gives the same uid the same", () => {
    const read = parseStages(
      stage("pod-ready", "delay: {durationMilliseconds: 100, jitterDurationMilliseconds: 300}"),
      "f",
    );
    const seen = new Set<number | undefined>();
    fc.assert(
      fc.property(fc.uuid(), (uid) => {
        const delayMs = delayOf(read, "pod-ready", { uid }) ?? -1;
        assert.ok(delayMs >= 100 && delayMs <= 300);
        assert.equal(delayOf(read, "pod-ready", { uid }), delayMs);
        seen.add(delayMs);
      }),
      { seed: 7, numRuns: 100 },
    );
    assert.ok(seen.size > 20);
  });

  it("names everything that it will not do", () => {
    const text =
      stage("pod-running", "") +
      stage("pod-ready", "next: {statusTemplate: x}, weight: 3") +
      stage("node-initialize", "selector: {matchExpressions: []}, delay: {durationMilliseconds: -1}") +
      stage("pod-delete", "delay: {durationMilliseconds: 9, jitterDurationMilliseconds: 1}") +
      "\nkind: Pod\n---\n[1]\n";
    assert.throws(
      () => parseStages(text, "f.yaml"),
      (error: Error) => {
        const lines = error.message.split("\n");
        const at = (n: number, start: string) =>
          assert.ok(
            lines.some((line) => line.startsWith(`f.yaml: document ${n}: ${start}`)),
            `${n} ${start}: ${error.message}`,
          );
        at(1, 'metadata.name: "pod-running" must be one of node-initialize, pod-create,');
        at(2, "spec.next is not supported; what a step does is built in");
        at(2, "spec.weight is not supported");
        at(3, "spec.selector.matchExpressions is not supported");
        at(3, "spec.delay.durationMilliseconds: -1 must be a whole number of milliseconds");
        at(4, "spec.delay.jitterDurationMilliseconds: 1 must not be less than durationMilliseconds");
        at(5, 'kind: "Pod" must be Stage');
        at(6, "it: [1] must be an object");
        return true;
      },
    );
  });
});
