import type { CpuSet } from "./cpu-set.ts";
import { type Cpu, type CpuTopology, cpusPerCore } from "./cpu-topology.ts";

type Level = "numa" | "socket" | "core";

/** Chooses CPUs as the kubelet's static policy does: whole NUMA nodes and sockets where as many are wanted, then whole cores, then
 *  single CPUs, each from where the fewest are free, so that as much as can be stays whole. Undefined where there are not
 *  enough. Pure. */
export function takeCpus(topology: CpuTopology, available: CpuSet, count: number): CpuSet | undefined {
  const taken = new Set<number>();
  const free = () => topology.filter(({ id }) => available.has(id) && !taken.has(id));
  if (free().length < count) return undefined;
  const outer: readonly ("numa" | "socket")[] =
    idsOf(topology, "socket").size >= idsOf(topology, "numa").size ? ["numa", "socket"] : ["socket", "numa"];
  const takeWhole = (levels: readonly Level[]) => {
    const level = levels.at(-1) ?? "core";
    for (const group of ordered(free(), levels)) {
      const isWhole = group.length === topology.filter((cpu) => cpu[level] === group[0]?.[level]).length;
      if (isWhole && group.length <= count - taken.size) for (const cpu of group) taken.add(cpu.id);
    }
  };
  takeWhole(outer.slice(0, 1));
  takeWhole(outer);
  if (count - taken.size >= cpusPerCore(topology)) takeWhole([...outer, "core"]);
  for (const { id } of ordered(free(), [...outer, "core"]).flat()) {
    if (taken.size >= count) break;
    taken.add(id);
  }
  return taken;
}

const idsOf = (cpus: readonly Cpu[], level: Level): ReadonlySet<number> =>
  new Set(cpus.map((cpu) => cpu[level]));

/** The groups of the last level, within those of the levels before it: the smaller first, and of equals the lower numbered. */
function ordered(cpus: readonly Cpu[], [level, ...inner]: readonly Level[]): readonly (readonly Cpu[])[] {
  if (level === undefined) return [[...cpus].sort((a, b) => a.id - b.id)];
  const groups = new Map<number, Cpu[]>();
  for (const cpu of cpus) groups.set(cpu[level], [...(groups.get(cpu[level]) ?? []), cpu]);
  return [...groups]
    .sort(([a, left], [b, right]) => left.length - right.length || a - b)
    .flatMap(([, group]) => ordered(group, inner));
}
