import assert from "node:assert/strict";
import { readSummary } from "./read-summary.ts";

const time = "2026-01-01T00:00:10Z";
const measured = { cpu: { time, usageNanoCores: 5, usageWindowMs: 1000 }, memory: { workingSetBytes: 7 } };
const usage = { nanoCores: 5, workingSetBytes: 7, atMs: Date.parse(time), windowMs: 1000 };
const pod = (uid: string, ...containers: unknown[]) => ({ podRef: { uid }, containers });
const read = (answer: unknown) => readSummary(JSON.stringify(answer), "n1");

describe("what a node says of its use", () => {
  it("is the node's and each container's, with the window that it was measured in", () => {
    const { node, pods } = read({
      node: { nodeName: "n1", ...measured },
      pods: [pod("u", { name: "web", ...measured })],
    });
    assert.deepEqual(node, usage);
    assert.deepEqual(pods, new Map([["u", new Map([["web", usage]])]]));
  });

  it("is that of ten seconds where a kubelet does not say how long it measured", () => {
    const { cpu, memory } = measured;
    const answer = read({
      node: { nodeName: "n1", cpu: { time, usageNanoCores: cpu.usageNanoCores }, memory },
    });
    assert.equal(answer.node?.windowMs, 10_000);
  });

  it("has no usage of what was measured once, and of what is no measurement", () => {
    for (const one of [
      {},
      { cpu: { time }, memory: measured.memory },
      { cpu: measured.cpu },
      { ...measured, cpu: { ...measured.cpu, time: "soon" } },
      { ...measured, cpu: { ...measured.cpu, usageNanoCores: -1 } },
      { ...measured, cpu: { ...measured.cpu, usageNanoCores: "5" } },
      { ...measured, cpu: { ...measured.cpu, usageNanoCores: 1e300 } },
      { ...measured, cpu: { ...measured.cpu, usageWindowMs: 0.5 } },
      { ...measured, memory: { workingSetBytes: null } },
    ]) {
      const { node, pods } = read({
        node: { nodeName: "n1", ...one },
        pods: [pod("u", { name: "web", ...one })],
      });
      assert.equal(node, undefined, JSON.stringify(one));
      assert.deepEqual(pods.get("u"), new Map([["web", undefined]]), JSON.stringify(one));
    }
  });

  it("is refused where it is no summary, or another node's", () => {
    assert.throws(() => readSummary("<html>", "n1"), /^Error: the answer is no JSON$/);
    for (const answer of [null, 1, [], "x", {}, { node: [] }])
      assert.throws(() => read(answer), /^Error: the answer is no summary$/, JSON.stringify(answer));
    assert.throws(() => read({ node: { nodeName: "n2" } }), /^Error: the answer is that of node "n2"$/);
    for (const pods of [null, {}, "x", [null, 1, "x", [], {}, { podRef: 1, containers: 5 }]])
      assert.deepEqual(read({ node: { nodeName: "n1" }, pods }).node, undefined);
  });
});
