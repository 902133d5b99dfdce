import { strict as assert } from "node:assert";
import type { Node } from "../../client/types.ts";
import { type Measured, nodeTable, podTable } from "./top.ts";

const node = (name: string, cpu: string, memory: string) =>
  ({ metadata: { name }, status: { allocatable: { cpu, memory } } }) as unknown as Node;
const pods: readonly Measured[] = [
  {
    metadata: { name: "web", namespace: "shop" },
    containers: [
      { name: "serve", usage: { cpu: "1500u", memory: "3Mi" } },
      { name: "log", usage: { cpu: "10m", memory: "2560Ki" } },
    ],
  },
  {
    metadata: { name: "db", namespace: "shop" },
    containers: [{ name: "db", usage: { cpu: "2", memory: "1Mi" } }],
  },
];

describe("cli/kubectl/top", () => {
  it("shows nodes with their shares, as kubectl top does", () => {
    const used: readonly Measured[] = [
      { metadata: { name: "b" }, usage: { cpu: "250123456n", memory: "512Mi" } },
      { metadata: { name: "a" }, usage: { cpu: "100m", memory: "1Gi" } },
      { metadata: { name: "new" }, usage: { cpu: "0", memory: "0" } },
    ];
    const nodes = [node("a", "2", "4Gi"), node("b", "1", "1Gi")];
    assert.deepEqual(nodeTable(used, nodes, undefined), [
      ["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"],
      ["a", "100m", "5%", "1024Mi", "25%"],
      ["b", "251m", "25%", "512Mi", "50%"],
      ["new", "0m", "<unknown>", "0Mi", "<unknown>"],
    ]);
    assert.deepEqual(
      nodeTable(used, nodes, "cpu")
        .slice(1)
        .map(([name]) => name),
      ["b", "a", "new"],
    );
  });

  it("shows pods, or their containers, sorted as asked", () => {
    assert.deepEqual(podTable(pods, { sortBy: undefined, containers: false, namespaces: true }), [
      ["NAMESPACE", "NAME", "CPU(cores)", "MEMORY(bytes)"],
      ["shop", "db", "2000m", "1Mi"],
      ["shop", "web", "12m", "5Mi"],
    ]);
    assert.deepEqual(podTable(pods, { sortBy: "memory", containers: true, namespaces: false }), [
      ["POD", "NAME", "CPU(cores)", "MEMORY(bytes)"],
      ["web", "serve", "2m", "3Mi"],
      ["web", "log", "10m", "2Mi"],
      ["db", "db", "2000m", "1Mi"],
    ]);
  });
});
