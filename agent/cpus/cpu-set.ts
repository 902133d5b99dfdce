/** Numbers of CPUs. */
export type CpuSet = ReadonlySet<number>;

export const cpuLimits = { cpusMost: 8192 } as const;

/** Reads the kernel's lists, such as `0-3,8`; undefined where it is none. Pure. */
export function parseCpuSet(text: string): CpuSet | undefined {
  const cpus = new Set<number>();
  const list = text.trim();
  for (const part of list === "" ? [] : list.split(",")) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (first === undefined || Number(last) < Number(first) || Number(last) >= cpuLimits.cpusMost)
      return undefined;
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.add(cpu);
  }
  return cpus;
}

/** The shortest list of them. Pure. */
export function cpuSetText(cpus: CpuSet): string {
  const sorted = [...cpus].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    let end = at;
    while (sorted[end + 1] === Number(sorted[end]) + 1) end++;
    parts.push(end === at ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`);
    at = end + 1;
  }
  return parts.join(",");
}

export const union = (...sets: readonly CpuSet[]): CpuSet => new Set(sets.flatMap((set) => [...set]));

export const without = (cpus: CpuSet, gone: CpuSet): CpuSet =>
  new Set([...cpus].filter((cpu) => !gone.has(cpu)));
