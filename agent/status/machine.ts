import { readFileSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { architecture } from "../images/platform.ts";

/** What this machine is and has. */
export interface Machine {
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly machineId: string;
  readonly bootId: string;
  readonly kernel: string;
  readonly osImage: string;
  readonly architecture: string;
}

export async function readMachine(rootDir: string): Promise<Machine> {
  const { blocks, bsize } = await statfs(rootDir);
  const osRelease = await readFile("/etc/os-release", "utf8").catch(() => "");
  return {
    hostname: hostname(),
    cpus: cpus().length,
    memoryBytes: totalmem(),
    storageBytes: blocks * bsize,
    machineId: firstLine("/etc/machine-id"),
    bootId: firstLine("/proc/sys/kernel/random/boot_id"),
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? "Linux",
    architecture: architecture || arch(),
  };
}

export interface Pressure {
  readonly memory: boolean;
  readonly disk: boolean;
  readonly pids: boolean;
}

export const pressureLimits = {
  memoryBytesLeast: 100 * 1024 * 1024,
  diskShareLeast: 0.1,
  inodeShareLeast: 0.05,
  pidShareLeast: 0.05,
} as const;

/** What is left of what this machine has. */
export interface Supplies {
  /** Undefined where the kernel does not tell. */
  readonly memoryBytesFree: number | undefined;
  readonly disk: {
    readonly blocks: number;
    readonly bavail: number;
    readonly files: number;
    readonly ffree: number;
  };
  readonly pidsMost: number;
  readonly pidsUsed: number;
}

/** Thresholds as the kubelet's defaults for hard eviction: memory.available<100Mi, nodefs.available<10%,
 *  nodefs.inodesFree<5%. A file system without a count of inodes (0) has enough of them. */
export function pressureOf({ memoryBytesFree, disk, pidsMost, pidsUsed }: Supplies): Pressure {
  return {
    memory: memoryBytesFree !== undefined && memoryBytesFree < pressureLimits.memoryBytesLeast,
    disk:
      disk.bavail < disk.blocks * pressureLimits.diskShareLeast ||
      disk.ffree < disk.files * pressureLimits.inodeShareLeast,
    pids: pidsMost - pidsUsed < pidsMost * pressureLimits.pidShareLeast,
  };
}

export async function readPressure(rootDir: string): Promise<Pressure> {
  const available = /^MemAvailable:\s+(\d+)/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
  return pressureOf({
    memoryBytesFree: available === undefined ? undefined : Number(available) * 1024,
    disk: await statfs(rootDir),
    pidsMost: Number(firstLine("/proc/sys/kernel/pid_max")),
    pidsUsed: Number(/\d+\/(\d+)/.exec(await readFile("/proc/loadavg", "utf8"))?.[1] ?? 0),
  });
}

/** The system's word for why something failed, such as ENOSPC; undefined when it did not. */
export async function codeOf(act: Promise<unknown>): Promise<string | undefined> {
  try {
    await act;
    return undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error) return String(error.code);
    throw error;
  }
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n")[0] ?? "";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
