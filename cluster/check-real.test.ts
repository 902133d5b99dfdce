import assert from "node:assert/strict";
import { startCluster } from "./start-cluster.ts";

describe("options of a cluster with real nodes", () => {
  const refused = async (options: object, ...told: readonly RegExp[]) =>
    assert.rejects(startCluster(options), (error: Error) => {
      assert.ok(error instanceof TypeError);
      assert.equal(error.message.split("\n").length, told.length, error.message);
      for (const one of told) assert.match(error.message, one);
      return true;
    });

  it("are refused where they are for simulated nodes, or for other time than the machine's", async () => {
    await refused(
      {
        nodes: [{ runtime: "processes" }, { runtime: "containers" }],
        ...{ clock: "manual", startAt: new Date(0), folder: "data", pods: [{ image: "x", pull: "3s" }] },
      },
      /^nodes: "containers" cannot be beside "processes"/m,
      /^clock: "manual" is for simulated nodes/m,
      /^startAt: is for simulated nodes/m,
      /^folder: cannot be kept with real nodes/m,
      /^pods: no node is simulated/m,
    );
    const many = Array.from({ length: 256 }, () => ({}));
    await refused({ nodes: [{ runtime: "processes" }, ...many] }, /^nodes: 257 are more than the 256/m);
  });

  it("are refused where a node cannot have them", async () => {
    const labels = { "node-role.kubernetes.io/worker": "" };
    await refused(
      {
        nodes: [
          { runtime: "processes", name: "n".repeat(63), labels, capacity: { cpu: 1 }, allocatable: {} },
        ],
      },
      /^nodes\[0\]\.capacity: \{"cpu":1\} is of simulated nodes/m,
      /^nodes\[0\]\.allocatable: \{\} is of simulated nodes/m,
      /^nodes\[0\]\.labels\.node-role\.kubernetes\.io\/worker: "" is a label that a real node must not/m,
    );
    await refused(
      { nodes: [{ runtime: "processes", name: "n".repeat(64) }] },
      /^nodes\[0\]\.name: "n+" is longer than the 63 characters/m,
    );
    await refused(
      { nodes: [{ runtime: "vm" }] },
      /^nodes\[0\]\.runtime: "vm" is none of simulated, processes, /m,
    );
  });

  it("are refused later, where the cluster began with simulated nodes alone", async () => {
    await using cluster = await startCluster();
    await assert.rejects(
      cluster.addNode({ runtime: "processes" }),
      /^TypeError: node\.runtime: "processes" needs a cluster that began with such a node/,
    );
    assert.deepEqual(cluster.nodes, ["node-1"]);
  });
});
