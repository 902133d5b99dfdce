import { RuntimeError } from "../runtime/seam.ts";
import { runCommand } from "../runtime/supervised/run-command.ts";

export const folderSizeLimits = {
  /** Longer than any honest folder takes; one that takes more stays unmeasured. */
  timeoutMs: 120_000,
} as const;

/** du counts as the kubelet does: blocks on the folder's own file system, each file once, no link followed. It runs beside
 *  the agent, goes down and up by descriptors (no depth or name leads it elsewhere), and gets 256 MiB of memory. */
const script = 'ulimit -v 262144 2>/dev/null || :; export LC_ALL=C; exec nice -n 10 du -sx "$1" -- "$2"';

export interface MeasureOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** What a folder takes of its disk; undefined when it is not there. Rejects when it cannot be measured within the time and
 *  the memory that there is for it. */
export async function folderBytes(path: string, options: MeasureOptions = {}): Promise<number | undefined> {
  const kibibytes = await summed("--block-size=1024", path, options);
  return kibibytes === undefined ? undefined : kibibytes * 1024;
}

/** How many files and folders a folder holds, itself among them. */
export const folderInodes = (path: string, options: MeasureOptions = {}): Promise<number | undefined> =>
  summed("--inodes", path, options);

async function summed(
  unit: "--block-size=1024" | "--inodes",
  path: string,
  options: MeasureOptions,
): Promise<number | undefined> {
  const { timeoutMs = folderSizeLimits.timeoutMs, signal } = options;
  const { stdout, stderr } = await runCommand(["sh", "-c", script, "du", unit, path], {
    timeoutMs,
    ...(signal !== undefined && { signal }),
  });
  // What vanishes while it is looked at is complained of, and the sum still comes.
  const sum = /^(\d+)\t/.exec(stdout)?.[1];
  if (sum !== undefined) return Number(sum);
  const problem = stderr.trim().split("\n").at(-1) ?? "";
  if (problem.endsWith("No such file or directory")) return undefined;
  throw new RuntimeError(`cannot measure ${path}: ${problem}`);
}
