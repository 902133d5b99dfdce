import assert from "node:assert/strict";
import { nothingReserved } from "../reserved.ts";
import type { Machine } from "./machine.ts";
import { type NodeInput, nodeObject, nodeStatus } from "./node-object.ts";

const machine: Machine = {
  hostname: "h",
  cpus: 2,
  memoryBytes: 2 ** 30,
  storageBytes: 2 ** 30,
  hugePages: [],
  machineId: "m",
  bootId: "b",
  kernel: "k",
  osImage: "o",
  architecture: "amd64",
};
const node: NodeInput = {
  name: "n1",
  ip: "10.0.0.1",
  port: 10250,
  maxPods: 110,
  labels: {},
  taints: [{ key: "mine", effect: "NoSchedule" }],
  reserved: nothingReserved,
  runtimeVersion: "r",
  agentVersion: "v",
  annotations: { a: "b" },
  externalCloud: false,
  providerId: undefined,
  supplementalGroups: true,
  recursiveReadOnly: true,
};
const addressesOf = (input: NodeInput, before?: Parameters<typeof nodeStatus>[3]) =>
  nodeStatus(input, machine, [], before, "2026-01-01T00:00:00Z").addresses?.map(({ address }) => address);

describe("a node of a cloud that a cloud controller manager knows", () => {
  const external = { ...node, externalCloud: true, providerId: "acme://zone/1" };

  it("takes no pods before that has seen it, and says by what it is known", () => {
    const { metadata, spec } = nodeObject(external, machine);
    assert.deepEqual(spec, {
      taints: [
        { key: "mine", effect: "NoSchedule" },
        { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" },
      ],
      providerID: "acme://zone/1",
    });
    assert.deepEqual(metadata.annotations, { a: "b", "alpha.kubernetes.io/provided-node-ip": "10.0.0.1" });
  });

  it("keeps the addresses that it is given there", () => {
    assert.deepEqual(addressesOf(external), ["10.0.0.1", "n1"]);
    const before = {
      addresses: [
        { type: "InternalIP", address: "10.9.9.9" },
        { type: "ExternalIP", address: "1.2.3.4" },
      ],
    };
    assert.deepEqual(addressesOf(external, before), ["10.9.9.9", "1.2.3.4"]);
  });

  it("is like any other where there is no cloud", () => {
    const { metadata, spec } = nodeObject(node, machine);
    assert.deepEqual([metadata.annotations, spec], [{ a: "b" }, { taints: node.taints }]);
    assert.deepEqual(addressesOf(node, { addresses: [{ type: "InternalIP", address: "x" }] }), [
      "10.0.0.1",
      "n1",
    ]);
  });
});
