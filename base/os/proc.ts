import { readFileSync } from "node:fs";

/** A file in which Linux tells of this process; empty elsewhere. */
export function procText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The soft one; none is told as Go's library does: the greatest number of 64 bits. */
export function processLimit(name: string): number {
  const [, text] = new RegExp(`^${name}\\s+(\\S+)`, "m").exec(procText("/proc/self/limits")) ?? [];
  return text === "unlimited" ? 2 ** 64 : Number(text ?? Number.NaN);
}
