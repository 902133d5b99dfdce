import assert from "node:assert/strict";
import fc from "fast-check";
import { isFinished } from "../pod-state.ts";
import { ago, pod } from "../testing/objects.ts";
import { planPodGc } from "./plan-pod-gc.ts";

describe("controlplane/controllers/podgc: any pods", () => {
  const pods = fc.array(
    fc.record({
      node: fc.constantFrom(undefined, "here", "gone", "out"),
      phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed"),
      isGoing: fc.boolean(),
      age: fc.nat(1000),
    }),
    { maxLength: 25 },
  );

  it("removes each once, none that may still run somewhere, and ended ones only as far as they are too many", () => {
    fc.assert(
      fc.property(pods, fc.nat(10), (given, finishedMost) => {
        const all = given.map(({ node, phase, isGoing, age }, at) =>
          pod(`p${at}`, {
            phase,
            ...(node !== undefined && { node }),
            meta: { creationTimestamp: ago(age), ...(isGoing && { deletionTimestamp: ago(1) }) },
          }),
        );
        const removals = planPodGc({
          pods: all,
          isGone: (node) => node === "gone",
          isOutOfService: (node) => node === "out",
          finishedMost,
        });
        const removed = removals.map((one) => one.pod);
        assert.equal(new Set(removed).size, removed.length, "one is removed twice");
        for (const one of removed) {
          const { nodeName } = one.spec;
          const isGoing = one.metadata.deletionTimestamp !== undefined;
          const runsNowhere =
            nodeName === "gone" ||
            (isGoing && (nodeName === undefined || nodeName === "out")) ||
            isFinished(one);
          assert.ok(runsNowhere, `${one.metadata.name} may run on ${nodeName}`);
        }
        for (const one of all) if (one.spec.nodeName === "gone") assert.ok(removed.includes(one));
        const ended = all.filter(
          (one) =>
            isFinished(one) && one.metadata.deletionTimestamp === undefined && one.spec.nodeName !== "gone",
        );
        const kept = ended.filter((one) => !removed.includes(one));
        assert.equal(kept.length, finishedMost === 0 ? ended.length : Math.min(ended.length, finishedMost));
      }),
      { numRuns: 300 },
    );
  });
});
