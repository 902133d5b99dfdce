import { readFile, statfs } from "node:fs/promises";
import { mustRun } from "../runtime/supervised/run-command.ts";

/** What the whole machine takes. */
export interface MachineUse {
  readonly cpuNanos: number;
  readonly workingSetBytes: number;
  readonly availableBytes: number;
  /** Of no file. */
  readonly rssBytes: number;
  /** Since it started, with the major ones. */
  readonly pageFaults: number;
  readonly majorPageFaults: number;
}

const clockTickMs = 10; // USER_HZ is 100 on every architecture that Node runs on

export async function readMachineUse(): Promise<MachineUse> {
  const files = ["stat", "meminfo", "vmstat"].map((name) => readFile(`/proc/${name}`, "utf8"));
  const [stat = "", meminfo = "", vmstat = ""] = await Promise.all(files);
  return machineUse(stat, meminfo, vmstat);
}

/** From the texts of /proc/stat, /proc/meminfo and /proc/vmstat. */
export function machineUse(stat: string, meminfo: string, vmstat = ""): MachineUse {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (/^cpu +(.*)$/m.exec(stat)?.[1] ?? "")
    .split(" ")
    .map(Number);
  const kibibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(meminfo)?.[1] ?? 0) * 1024;
  const availableBytes = kibibytes("MemAvailable");
  const counted = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(vmstat)?.[1] ?? 0);
  return {
    cpuNanos: (user + nice + system + irq + softirq) * clockTickMs * 1e6,
    workingSetBytes: kibibytes("MemTotal") - availableBytes,
    availableBytes,
    rssBytes: kibibytes("AnonPages"),
    pageFaults: counted("pgfault"),
    majorPageFaults: counted("pgmajfault"),
  };
}

/** When the machine started, from the text of /proc/stat. */
export function bootMs(stat: string): number {
  return Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0) * 1000;
}

export interface FolderUse {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** Of the file system that a folder is on. */
export async function readFolderUse(path: string): Promise<FolderUse> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  return {
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes: files,
    inodesFree: ffree,
  };
}

const answerMs = 5_000;

/** The same of a file system that need not answer: another process asks it, and is killed when it takes too long. */
export async function askFolderUse(path: string): Promise<FolderUse> {
  const command = ["stat", "--file-system", "--format=%S %b %f %a %c %d", "--", path];
  const text = await mustRun(command, { timeoutMs: answerMs });
  const [bsize = 0, blocks = 0, bfree = 0, bavail = 0, inodes = 0, inodesFree = 0] = text
    .split(" ")
    .map(Number);
  return {
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodes,
    inodesFree,
  };
}
