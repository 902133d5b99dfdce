import { readdirSync } from "node:fs";
import { processLimit } from "./proc.ts";

/** How many files and sockets this process has open; NaN where nobody tells. */
export function openFiles(): number {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return Number.NaN; // not Linux
  }
}

/** How many it may have open. */
export const openFilesMax = (): number => processLimit("Max open files");
