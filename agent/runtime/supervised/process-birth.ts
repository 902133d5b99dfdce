import { readFileSync } from "node:fs";

/** A process, known for certain: numbers are used again, births are not. */
export interface ProcessId {
  readonly pid: number;
  /** Clock ticks since boot, field 22 of /proc/PID/stat. */
  readonly born: string;
}

/** The birth of a living process; undefined when there is none, or only its zombie. */
export function birthOf(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

export function isAlive(process: ProcessId): boolean {
  return birthOf(process.pid) === process.born;
}

/** Sends a signal if the process still is the one meant; false when it is gone. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals | number, group = false): boolean {
  if (!isAlive(target)) return false;
  try {
    process.kill(group ? -target.pid : target.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
