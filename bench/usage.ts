import { readFileSync, writeFileSync } from "node:fs";

/** What a process has used: CPU seconds so far, memory now. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

const ticksPerSecond = 100;

export function usageOf(pid: number | undefined): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0;
  return {
    cpuSeconds: (Number(stat[11]) + Number(stat[12])) / ticksPerSecond,
    residentMb: Number(resident) / 1024,
  };
}

/** The highest memory is counted from now on. */
export function resetPeak(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

export function peakMbSince(pid: number | undefined): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}
