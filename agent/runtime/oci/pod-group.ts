import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../../../base/os/make-folder.ts";
import { type HugePageLimit, hugePageLimits, pageSizeOfGroups } from "../../memory/huge-pages.ts";
import { readOptional } from "../supervised/records.ts";
import { type Cgroups, cgroupStats, groupFolder } from "./cgroups.ts";

/** What all containers of a pod may take together. */
export interface GroupResources {
  readonly cpuShares: number;
  /** Microseconds of CPU per 100 ms; 0: no limit. */
  readonly cpuQuotaUs: number;
  /** 0: no limit. */
  readonly memoryBytesMost: number;
  /** Nothing of the sizes that are not among them. */
  readonly hugePages?: readonly HugePageLimit[];
}

/** Whether the kernel can hold groups to a number of processes. */
export async function countsProcesses(cgroups: Cgroups): Promise<boolean> {
  if (cgroups.version === 1) return cgroups.pids !== undefined;
  const offered = await readFile(join(cgroups.root, "cgroup.controllers"), "utf8");
  return offered.split(/\s+/).includes("pids");
}

/** Holds the containers of each pod to what they may take together. */
export interface PodGroupLimits {
  limit(podUid: string, resources: GroupResources): Promise<void>;
}

const cpuPeriodUs = 100_000;

/** Makes a group where it is not there yet; in v2 each level above hands the controllers down to the next. */
export async function makeGroup(cgroups: Cgroups, path: string): Promise<void> {
  if (cgroups.version === 1) {
    for (const root of [cgroups.memory, cgroups.cpu, cgroups.pids, cgroups.hugetlb])
      if (root !== undefined) await makeFolder(join(root, path), 0o755);
    return;
  }
  await makeFolder(join(cgroups.root, path), 0o755);
  const levels = path.split("/").filter((name) => name !== "");
  const offered = (await readFile(join(cgroups.root, "cgroup.controllers"), "utf8")).split(/\s+/);
  const wanted = ["cpu", "memory", "pids", "hugetlb"]
    .filter((name) => offered.includes(name))
    .map((name) => `+${name}`);
  for (let depth = 0; depth < levels.length; depth++) {
    const level = join(cgroups.root, ...levels.slice(0, depth));
    await writeFile(join(level, "cgroup.subtree_control"), wanted.join(" "));
  }
}

/** From now on the kernel holds a pod's group to these. Rejects where it uses more memory than it would be left.
 *  @param processesMost Of the whole pod; undefined: no limit. */
export async function limitGroup(
  cgroups: Cgroups,
  path: string,
  { cpuShares, cpuQuotaUs, memoryBytesMost, hugePages }: GroupResources,
  processesMost?: number,
): Promise<void> {
  await makeGroup(cgroups, path);
  const counted = cgroups.version === 1 ? cgroups.pids : cgroups.root;
  if (processesMost !== undefined && counted !== undefined)
    await writeFile(join(counted, path, "pids.max"), String(processesMost));
  await limitMemory(cgroups, path, memoryBytesMost);
  await limitHugePages(cgroups, path, hugePages);
  if (cgroups.version === 1) {
    if (cgroups.cpu === undefined) return;
    const folder = join(cgroups.cpu, path);
    await writeFile(join(folder, "cpu.shares"), String(cpuShares));
    if ((await readOptional(join(folder, "cpu.cfs_quota_us"))) === undefined && cpuQuotaUs === 0) return;
    await writeFile(join(folder, "cpu.cfs_quota_us"), String(cpuQuotaUs || -1));
    return;
  }
  const folder = join(cgroups.root, path);
  if ((await readOptional(join(folder, "cpu.weight"))) === undefined) return; // no CPU controller is handed down
  await writeFile(join(folder, "cpu.weight"), String(cpuWeight(cpuShares)));
  await writeFile(join(folder, "cpu.max"), `${cpuQuotaUs || "max"} ${cpuPeriodUs}`);
}

async function limitMemory(cgroups: Cgroups, path: string, bytes: number): Promise<void> {
  const file = join(
    groupFolder(cgroups, path),
    cgroups.version === 1 ? "memory.limit_in_bytes" : "memory.max",
  );
  if (bytes > 0) {
    const { memoryBytes } = await cgroupStats(cgroups, path);
    if (memoryBytes >= bytes)
      throw new Error(
        `cannot decrease memory limits: attempting to set pod memory limit (${bytes}) below current usage (${memoryBytes})`,
      );
  }
  await writeFile(file, bytes > 0 ? String(bytes) : cgroups.version === 1 ? "-1" : "max");
}

/** Both what is in use and, where the kernel counts that, what is set aside for mappings. */
async function limitHugePages(cgroups: Cgroups, path: string, asked?: readonly HugePageLimit[]) {
  const root = cgroups.version === 1 ? cgroups.hugetlb : cgroups.root;
  if (root === undefined) return;
  const end = cgroups.version === 1 ? "limit_in_bytes" : "max";
  for (const { pageBytes, bytesMost } of hugePageLimits(cgroups.hugePageSizes ?? [], asked)) {
    const start = join(root, path, `hugetlb.${pageSizeOfGroups(pageBytes)}`);
    await writeFile(`${start}.${end}`, String(bytesMost));
    const reserved = `${start}.rsvd.${end}`;
    if ((await readOptional(reserved)) !== undefined) await writeFile(reserved, String(bytesMost));
  }
}

/** Shares of v1 as the weight of v2, by the curve that runc and the kubelet share: 1024 is 100. */
export function cpuWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262_144) return 10_000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}
