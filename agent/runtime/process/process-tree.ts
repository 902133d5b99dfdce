import { readFile } from "node:fs/promises";

/** Of /proc/PID/stat, as far as we count. */
interface ProcessUse {
  readonly ticks: number;
  readonly pages: number;
}

interface TreeUse extends ProcessUse {
  readonly processes: number;
}

/** A process and what it started, as far as that still hangs on it: ticks of CPU, those of ended children that were waited for
 *  too, and pages of memory, where those that several share count for each. Empty when it is gone. */
export async function treeUse(pid: number): Promise<TreeUse> {
  let processes = 0;
  let ticks = 0;
  let pages = 0;
  const pending = [pid];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const use = await processUse(next);
    if (use === undefined) continue;
    processes++;
    ticks += use.ticks;
    pages += use.pages;
    // A child belongs to the thread that started it; shells and most servers have one that does.
    const children = (await readOfProcess(`/proc/${next}/task/${next}/children`)) ?? "";
    pending.push(...children.split(" ").flatMap((text) => (text.trim() === "" ? [] : Number(text))));
  }
  return { ticks, pages, processes };
}

async function processUse(pid: number): Promise<ProcessUse | undefined> {
  const stat = await readOfProcess(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime, cstime; rss.
  const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return { ticks, pages: Number(fields[21]) };
}

/** Undefined once the process is gone. */
async function readOfProcess(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return undefined;
    throw error;
  }
}
