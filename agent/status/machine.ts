import { readFileSync } from "node:fs";
import { readFile, statfs } from "node:fs/promises";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import { architecture } from "../images/platform.ts";
import { type HugePages, readHugePages } from "../memory/huge-pages.ts";

/** What this machine is and has. */
export interface Machine {
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  /** Of every size that the kernel knows; what is set aside for them is no other memory. */
  readonly hugePages: readonly HugePages[];
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
    hugePages: await readHugePages(),
    machineId: firstLine("/etc/machine-id"),
    bootId: firstLine("/proc/sys/kernel/random/boot_id"),
    kernel: release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(osRelease)?.[1] ?? "Linux",
    architecture: architecture || arch(),
  };
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
