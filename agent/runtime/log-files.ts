import { readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ifPresent } from "../../base/os/if-present.ts";

/** When a container's log goes on in another file, and how many files are kept of it. */
export interface LogRotation {
  readonly logBytesMost: number;
  /** The one that is written to among them; two at least. */
  readonly filesMost: number;
}

/** As the kubelet's. */
export const usualLogRotation: LogRotation = { logBytesMost: 10 * 1024 * 1024, filesMost: 5 };

/** The files that a container's log went on from, the oldest first: LOG.2, LOG.1. */
export async function rotatedLogs(path: string): Promise<string[]> {
  const beginning = `${basename(path)}.`;
  const names = (await ifPresent(readdir(dirname(path)))) ?? [];
  const numbers = names.flatMap((name) => {
    const end = name.startsWith(beginning) ? name.slice(beginning.length) : "";
    return /^[1-9]\d{0,5}$/.test(end) ? [Number(end)] : [];
  });
  return numbers.sort((a, b) => b - a).map((number) => join(dirname(path), `${beginning}${number}`));
}
