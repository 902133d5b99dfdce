import { readdir, readFile, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readHugePages } from "../../memory/huge-pages.ts";
import type { ContainerStats } from "../seam.ts";
import { readOptional } from "../supervised/records.ts";

/** Where the memory and cpuacct controllers are: a v1 hierarchy each, or the one of v2. */
export type Cgroups = (
  | {
      readonly version: 1;
      readonly memory: string;
      readonly cpuacct: string;
      /** Undefined where CPU time is not shared out. */
      readonly cpu?: string;
      /** Undefined where processes are not counted. */
      readonly pids?: string;
      /** Undefined where huge pages are not counted. */
      readonly hugetlb?: string;
    }
  | { readonly version: 2; readonly root: string }
) & {
  /** Sizes in bytes of the huge pages that groups can be held to; absent where there is no controller for that. */
  readonly hugePageSizes?: readonly number[];
};

/** Undefined when there is no memory controller: limits could not be enforced. */
export async function findCgroups(mountinfo?: string): Promise<Cgroups | undefined> {
  const text = mountinfo ?? (await readFile("/proc/self/mountinfo", "utf8"));
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  for (const line of text.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const path = left.split(" ")[4];
    const [type, , options = ""] = right.split(" ");
    if (path === undefined) continue;
    if (type === "cgroup") for (const option of options.split(",")) v1.set(option, path);
    if (type === "cgroup2") v2 = path;
  }
  const memory = v1.get("memory");
  const [cpu, pids, hugetlb] = [v1.get("cpu"), v1.get("pids"), v1.get("hugetlb")];
  const sizes = async () => (await readHugePages()).map(({ pageBytes }) => pageBytes);
  if (memory !== undefined)
    return {
      version: 1,
      memory,
      cpuacct: v1.get("cpuacct") ?? memory,
      ...(cpu !== undefined && { cpu }),
      ...(pids !== undefined && { pids }),
      ...(hugetlb !== undefined && { hugetlb, hugePageSizes: await sizes() }),
    };
  if (v2 === undefined) return undefined;
  const controllers = ((await readOptional(join(v2, "cgroup.controllers"))) ?? "").split(/\s+/);
  if (!controllers.includes("memory")) return undefined;
  const isCounted = controllers.includes("hugetlb");
  return { version: 2, root: v2, ...(isCounted && { hugePageSizes: await sizes() }) };
}

/** The group's folder where its processes are listed. */
export function groupFolder(cgroups: Cgroups, path: string): string {
  return join(cgroups.version === 1 ? cgroups.memory : cgroups.root, path);
}

/** How many of the group's processes the kernel has killed for its memory limit; 0 when the group is gone. */
export async function oomKills(cgroups: Cgroups, path: string): Promise<number> {
  const file =
    cgroups.version === 1
      ? join(cgroups.memory, path, "memory.oom_control")
      : join(cgroups.root, path, "memory.events");
  const text = (await readOptional(file)) ?? "";
  return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
}

export async function cgroupStats(cgroups: Cgroups, path: string): Promise<ContainerStats> {
  if (cgroups.version === 1) {
    const cpu = (await readOptional(join(cgroups.cpuacct, path, "cpuacct.usage"))) ?? "0";
    const memory = (await readOptional(join(cgroups.memory, path, "memory.usage_in_bytes"))) ?? "0";
    const stat = (await readOptional(join(cgroups.memory, path, "memory.stat"))) ?? "";
    return {
      cpuNanos: Number(cpu),
      ...memoryOf(memory, stat, { prefix: "total_", rss: "rss" }),
      processes: await groupProcesses(cgroups, path),
    };
  }
  const cpu = (await readOptional(join(cgroups.root, path, "cpu.stat"))) ?? "";
  const memory = (await readOptional(join(cgroups.root, path, "memory.current"))) ?? "0";
  const stat = (await readOptional(join(cgroups.root, path, "memory.stat"))) ?? "";
  const cpuNanos = Number(/^usage_usec (\d+)$/m.exec(cpu)?.[1] ?? 0) * 1000;
  const processes = await groupProcesses(cgroups, path);
  return { cpuNanos, ...memoryOf(memory, stat, { prefix: "", rss: "anon" }), processes };
}

/** How many processes a group has, without those of groups in it; 0 when it is gone. */
export async function groupProcesses(cgroups: Cgroups, path: string): Promise<number> {
  const text = (await readOptional(join(groupFolder(cgroups, path), "cgroup.procs"))) ?? "";
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** The working set is what cAdvisor calls so: without files that nothing has used lately. */
function memoryOf(usage: string, stat: string, names: { readonly prefix: string; readonly rss: string }) {
  const memoryBytes = Number(usage);
  const counted = (name: string) => {
    const text = new RegExp(`^${names.prefix}${name} (\\d+)$`, "m").exec(stat)?.[1];
    return text === undefined ? undefined : Number(text);
  };
  const [rssBytes, pageFaults, majorPageFaults] = [names.rss, "pgfault", "pgmajfault"].map(counted);
  return {
    memoryBytes,
    workingSetBytes: Math.max(0, memoryBytes - (counted("inactive_file") ?? 0)),
    ...(rssBytes !== undefined && { rssBytes }),
    ...(pageFaults !== undefined && { pageFaults }),
    ...(majorPageFaults !== undefined && { majorPageFaults }),
  };
}

/** Removes a group without groups or processes in it from every hierarchy; one that still has some stays. */
export async function removeGroup(cgroups: Cgroups, path: string): Promise<void> {
  const parent = cgroups.version === 1 ? dirname(cgroups.memory) : cgroups.root;
  const roots =
    cgroups.version === 1 ? (await readdir(parent)).map((name) => join(parent, name)) : [cgroups.root];
  for (const root of roots)
    try {
      await rmdir(join(root, path));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (!["ENOENT", "ENOTDIR", "EBUSY", "ENOTEMPTY"].includes(String(code))) throw error;
    }
}

/** crun refuses machines where v1 hierarchies stand beside a v2 one that still has controllers (such as hugetlb), though
 *  it needs nothing of the latter. There it runs in a mount namespace of its own without the v2 hierarchy; mounts still
 *  propagate from the host. Empty where nothing is in the way. */
export async function hybridWrapper(cgroups: Cgroups, program: string): Promise<readonly string[]> {
  if (cgroups.version !== 1 || !program.endsWith("crun")) return [];
  const unified = join(dirname(cgroups.memory), "unified");
  const controllers = (await readOptional(join(unified, "cgroup.controllers"))) ?? "";
  if (controllers.trim() === "") return [];
  const script = `umount -l '${unified}' && exec "$@"`;
  return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", script, "sh"];
}
