import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readOptional } from "../runtime/supervised/records.ts";
import { type CpuSet, parseCpuSet } from "./cpu-set.ts";

/** One logical CPU and where it lies. */
export interface Cpu {
  readonly id: number;
  /** The first of the CPUs that share its core. */
  readonly core: number;
  readonly socket: number;
  /** Its NUMA node. */
  readonly numa: number;
}

export type CpuTopology = readonly Cpu[];

/** How many CPUs share a core. Pure. */
export function cpusPerCore(topology: CpuTopology): number {
  const cores = new Set(topology.map(({ core }) => core));
  return Math.max(1, Math.floor(topology.length / Math.max(1, cores.size)));
}

/** The machine's CPUs that run, out of `/sys/devices/system`. */
export async function readCpuTopology(root = "/sys/devices/system"): Promise<CpuTopology> {
  const online = parseCpuSet(await readFile(join(root, "cpu/online"), "utf8")) ?? new Set([0]);
  const nodes = await numaNodes(join(root, "node"));
  const cpus: Cpu[] = [];
  for (const id of [...online].sort((a, b) => a - b)) {
    const folder = join(root, "cpu", `cpu${id}`, "topology");
    const siblings = parseCpuSet((await readOptional(join(folder, "thread_siblings_list"))) ?? "");
    const socket = Number((await readOptional(join(folder, "physical_package_id"))) ?? "0");
    cpus.push({
      id,
      core: Math.min(id, ...(siblings ?? [])),
      socket: socket >= 0 ? socket : 0, // -1 where the machine does not say
      numa: nodes.find(({ has }) => has.has(id))?.numa ?? 0,
    });
  }
  return cpus;
}

async function numaNodes(
  folder: string,
): Promise<readonly { readonly numa: number; readonly has: CpuSet }[]> {
  const names = await readdir(folder).catch(() => [] as string[]); // kernels without NUMA have none
  const nodes = names.flatMap((name) => /^node(\d{1,4})$/.exec(name)?.[1] ?? []);
  return Promise.all(
    nodes.map(async (number) => ({
      numa: Number(number),
      has: parseCpuSet((await readOptional(join(folder, `node${number}`, "cpulist"))) ?? "") ?? new Set(),
    })),
  );
}
