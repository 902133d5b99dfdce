import { readFileSync, writeFileSync } from "node:fs";

/** What a process has used: CPU seconds so far, memory now. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentMb: number;
  /** What of it are pages of files: programs, and tables of a database that the kernel can drop and read again. */
  readonly fileBackedMb: number;
}

const ticksPerSecond = 100;

export function usageOf(pid: number | undefined): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return {
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond,
    residentMb: megabytes("VmRSS"),
    fileBackedMb: megabytes("RssFile"),
  };
}

/** The highest memory is counted from now on. */
export function resetPeak(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

export function peakMbSince(pid: number | undefined): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}
