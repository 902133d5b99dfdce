import assert from "node:assert/strict";
import fc from "fast-check";
import { optionProblems } from "./check-options.ts";
import { machinesOf, type NodeOptions, nodeList } from "./node-options.ts";
import { type ClusterOptions, startCluster } from "./start-cluster.ts";

const problemsOf = (nodes: unknown): string => {
  try {
    machinesOf(nodeList(nodes as readonly NodeOptions[]));
    return "";
  } catch (error) {
    assert.ok(error instanceof TypeError, String(error));
    return error.message;
  }
};

describe("cluster: options", () => {
  it("names what is wrong: field, value and rule", () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [null, /^options: null must be an object/],
      [5, /^options: 5 must/],
      [[], /^options: \[\] must/],
      [{ node: 2 }, /^node: 2 is none of nodes, folder/],
      [{ seed: 5n }, /^seed: 5n is no whole number/],
      [{ log: () => 1 }, /^log: a function is none of/],
      [{ pods: null }, /^pods: null must be a list/],
      [{ pods: [{ image: 5n }] }, /^pods\[0\].image: 5n must be a text/],
      [{ pods: [{ exit: { code: 0, reason: "Error" } }] }, /^pods\[0\].exit: .* contradicts itself/],
      [{ pods: [{ exit: { code: 1, reason: "Completed" } }] }, /contradicts itself/],
      [{ pods: [{ probe: { liveness: { from: "5m", until: "1m" } } }] }, /is never well/],
      [{ stages: 5 }, /^stages: 5 must be a list/],
      [{ stages: [null] }, /^stages\[0\]: null must be an object/],
      [{ stages: [{ step: "pod-go" }] }, /^stages\[0\].step: "pod-go" is none of node-initialize/],
      [{ replicas: 3 }, /^replicas: 3 must be an object/],
      [{ replicas: { scheduler: 2n } }, /^replicas.scheduler: 2n must be a whole number/],
      [{ folder: "a\0b" }, /^folder: "a\\u0000b" must be the path/],
      [{ startAt: new Date(8.64e15) }, /^startAt: "\+275760-09-13.*" is no Date of the years 1 to 9999/],
      [{ startAt: new Date(Number.NaN) }, /^startAt: null is no Date/],
    ];
    for (const [options, expected] of cases) assert.match(optionProblems(options).join("\n"), expected);
    const absent = { nodes: undefined, pods: undefined, seed: undefined, replicas: { scheduler: undefined } };
    assert.deepEqual(optionProblems(absent), []);
  });

  it("names what is wrong with a node, of which nothing would become ready", () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      ["2", /^nodes: "2" must be a whole number, or a list/],
      [2n, /^nodes: 2n must/],
      [[null], /^nodes\[0\]: null must be an object/],
      [[{}, 5], /^nodes\[1\]: 5 must be an object/],
      [new Array(1), /^nodes\[0\]: nothing must be an object/],
      [[{ name: 5 }], /^nodes\[0\].name: 5 must be a text/],
      [[{ name: "" }], /^nodes\[0\].name: "" a lowercase RFC 1123/],
      [[{ name: "store" }], /^nodes\[0\].name: "store" is the name of a part/],
      [[{ name: "a" }, { name: "a" }], /^nodes\[1\].name: "a" is taken by another node/],
      [[{ labels: { a: 5 } }], /^nodes\[0\].labels: {"a":5} must be an object of texts/],
      [[{ zone: 5 }], /^nodes\[0\].zone: 5 must be a text/],
      [[{ zone: "a b" }], /^nodes\[0\].zone: "a b" Invalid value/],
      [[{ taints: "a" }], /^nodes\[0\].taints: "a" must be a list/],
      [[{ taints: [{}] }], /^nodes\[0\].taints: \[{}\] must be a list/],
      [[{ taints: ["a"] }], /^nodes\[0\].taints: "a" is no taint/],
      [[{ capacity: "x" }], /^nodes\[0\].capacity: "x" must be an object/],
      [[{ capacity: { pods: "500m" } }], /^nodes\[0\].capacity.pods: "500m" is no whole number/],
      [[{ capacity: { cpu: Number.NaN } }], /^nodes\[0\].capacity.cpu: NaN is no quantity/],
      [[{ capacity: { "bad name!": 1 } }], /^nodes\[0\].capacity.bad name!: 1 name part must consist of/],
    ];
    for (const [nodes, expected] of cases) assert.match(problemsOf(nodes), expected);
    assert.equal(problemsOf([{ capacity: { pods: "1k", cpu: "500m", "example.com/a": 2 } }, {}]), "");
  });

  it("tells of whatever it is given by a TypeError, or takes it", () => {
    const value = fc.oneof(fc.anything({ withBigInt: true, withDate: true }), fc.string(), fc.integer());
    const fields = [
      "nodes",
      "folder",
      "pods",
      "stages",
      "replicas",
      "clock",
      "startAt",
      "seed",
      "log",
      "other",
    ];
    const options = fc.oneof(value, fc.record(Object.fromEntries(fields.map((one) => [one, value]))));
    fc.assert(fc.property(options, (given) => optionProblems(given).every((one) => one.includes(": "))));
    const parts = ["name", "labels", "taints", "zone", "region", "capacity", "allocatable"];
    const node = fc.record(Object.fromEntries(parts.map((one) => [one, value])), { requiredKeys: [] });
    fc.assert(
      fc.property(fc.array(fc.oneof(value, node), { maxLength: 3 }), (nodes) => {
        problemsOf(nodes);
      }),
    );
  });

  it("starts nothing where something is wrong", async () => {
    await assert.rejects(startCluster({ nodes: [{ name: 5 }] } as unknown as ClusterOptions), TypeError);
    await assert.rejects(startCluster(null as unknown as ClusterOptions), TypeError);
  });
});
