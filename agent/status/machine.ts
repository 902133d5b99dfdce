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
  diskShareLeast: 0.05,
  pidShareLeast: 0.05,
} as const;

/** Thresholds as the kubelet's defaults: 100 Mi of memory; of the disk less than its 10 %, since nodes here share one. */
export async function readPressure(rootDir: string): Promise<Pressure> {
  const available = /^MemAvailable:\s+(\d+)/m.exec(await readFile("/proc/meminfo", "utf8"))?.[1];
  const { blocks, bavail } = await statfs(rootDir);
  const pidsMost = Number(firstLine("/proc/sys/kernel/pid_max"));
  const running = Number(/\d+\/(\d+)/.exec(await readFile("/proc/loadavg", "utf8"))?.[1] ?? 0);
  return {
    memory: available !== undefined && Number(available) * 1024 < pressureLimits.memoryBytesLeast,
    disk: bavail / blocks < pressureLimits.diskShareLeast,
    pids: pidsMost - running < pidsMost * pressureLimits.pidShareLeast,
  };
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, "utf8").split("\n")[0] ?? "";
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  }
}
