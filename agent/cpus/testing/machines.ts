import fc from "fast-check";
import type { Container, Pod } from "../../../client/types.ts";
import type { CpuTopology } from "../cpu-topology.ts";

/** A machine of so many sockets, of as many NUMA nodes each, cores and threads; numbered as Linux does: first threads first. */
export function machine(shape: {
  readonly sockets: number;
  readonly numaPerSocket?: number;
  readonly coresPerNuma: number;
  readonly threads: number;
}): CpuTopology {
  const { sockets, numaPerSocket = 1, coresPerNuma, threads } = shape;
  const cores = sockets * numaPerSocket * coresPerNuma;
  return Array.from({ length: cores * threads }, (_, id) => {
    const core = id % cores;
    const numa = Math.floor(core / coresPerNuma);
    return { id, core, socket: Math.floor(numa / numaPerSocket), numa };
  });
}

export const anyMachine = fc
  .record({
    sockets: fc.integer({ min: 1, max: 2 }),
    numaPerSocket: fc.integer({ min: 1, max: 2 }),
    coresPerNuma: fc.integer({ min: 1, max: 4 }),
    threads: fc.integer({ min: 1, max: 2 }),
  })
  .map(machine);

/** A container that asks for so many CPUs, and as many at most. */
export const wanting = (cpu: string, name = "c", more: Partial<Container> = {}): Container => {
  const amounts = { cpu, memory: "1Mi" };
  return { name, resources: { requests: amounts, limits: amounts }, ...more };
};

export const podOf = (uid: string, containers: Container[], more: Partial<Pod["spec"]> = {}): Pod =>
  ({ metadata: { name: uid, uid }, spec: { containers, ...more } }) as Pod;
