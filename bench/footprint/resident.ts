import { readFileSync } from "node:fs";

/** What a process has resident, by what the kernel would do with it. */
export interface Resident {
  /** Its own alone: heaps, stacks, buffers. */
  readonly anonymousMb: number;
  /** Pages of files – the program, its libraries – by the file, shared or not. */
  readonly fileMb: ReadonlyMap<string, number>;
  /** The kernel's proportional figure: a shared page counts by its part. Other programs of the machine share, too. */
  readonly proportionalMb: number;
}

export function residentOf(pid: number): Resident {
  return residentIn(readFileSync(`/proc/${pid}/smaps`, "utf8"));
}

/** Pure: reads what `/proc/PID/smaps` says. */
export function residentIn(smaps: string): Resident {
  const fileMb = new Map<string, number>();
  let anonymousKb = 0;
  let proportionalKb = 0;
  for (const mapping of smaps.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
    const path = /^\S+ \S+ \S+ \S+ \S+ +(\/.*)$/m.exec(mapping)?.[1];
    const kb = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, "m").exec(mapping)?.[1] ?? 0);
    // A page of a file that was written to is the process' own from then on.
    anonymousKb += kb("Anonymous");
    proportionalKb += kb("Pss");
    const ofFileKb = kb("Rss") - kb("Anonymous");
    if (ofFileKb > 0) {
      const file = path ?? "?";
      fileMb.set(file, (fileMb.get(file) ?? 0) + ofFileKb / 1024);
    }
  }
  return { anonymousMb: anonymousKb / 1024, fileMb, proportionalMb: proportionalKb / 1024 };
}

/** What processes have together when nothing else runs on the machine: their own, and of each file what one of them has most of. */
export function togetherMb(processes: readonly Resident[]): number {
  const most = new Map<string, number>();
  for (const { fileMb } of processes)
    for (const [file, mb] of fileMb) most.set(file, Math.max(mb, most.get(file) ?? 0));
  const own = processes.reduce((sum, { anonymousMb }) => sum + anonymousMb, 0);
  return own + [...most.values()].reduce((sum, mb) => sum + mb, 0);
}
