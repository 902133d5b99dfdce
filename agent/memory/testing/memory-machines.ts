import fc from "fast-check";
import type { Container } from "../../../client/types.ts";
import type { CpuTopology } from "../../cpus/cpu-topology.ts";
import type { MemoryManagerConfig } from "../memory-manager.ts";
import type { MemoryNode } from "../memory-nodes.ts";

export const gi = 2 ** 30;

/** NUMA nodes of so many Gi, of which the first keeps 1 Gi for the system, with so many pages of 2 Mi. */
export const memoryNodes = (sizesGi: readonly number[], pages = 0): readonly MemoryNode[] =>
  sizesGi.map((size, numa) => ({
    numa,
    memoryBytes: size * gi,
    hugePages: [{ pageBytes: 2 ** 21, count: pages }],
  }));

export const memoryConfig = (
  file: string,
  nodes: readonly MemoryNode[],
  isAligned = true,
): MemoryManagerConfig => ({
  file,
  nodes,
  reserved: new Map([[0, new Map([["memory", gi]])]]),
  places: new Map(nodes.map(({ numa }, place) => [numa, place])),
  isAligned,
});

/** One CPU at each of so many NUMA nodes. */
export const cpuAtEach = (count: number): CpuTopology =>
  Array.from({ length: count }, (_, id) => ({ id, core: id, socket: 0, numa: id }));

/** A container of a Guaranteed pod, of so many Gi and pages of 2 Mi. */
export const needing = (
  memoryGi: number,
  name = "c",
  { pages = 0, ...more }: Partial<Container> & { readonly pages?: number } = {},
): Container => {
  const hugePages = pages > 0 ? { "hugepages-2Mi": `${pages * 2}Mi` } : {};
  const amounts = { cpu: "500m", memory: `${memoryGi}Gi`, ...hugePages };
  return { name, resources: { requests: amounts, limits: amounts }, ...more };
};

/** Up to four nodes of 2 to 9 Gi. */
export const anyMemory = fc.array(fc.integer({ min: 2, max: 9 }), { minLength: 1, maxLength: 4 });
