import type { Caller } from "./callers.ts";

/** How fast, and what it cost this process. */
export interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
}

/** Values of 256 bytes under 1,000 keys. */
const value = "v".repeat(256);
const keys = 1_000;
const keyOf = (n: number) => `bench/${n % keys}`;

export const work = {
  put: (caller: Caller, n: number) => caller.put(keyOf(n), value),
  async get(caller: Caller, n: number): Promise<void> {
    const found = await caller.get(keyOf(n));
    if (found !== value) throw new Error(`${caller.name} answered ${found} for ${keyOf(n)}`);
  },
} as const;

/** So many calls, some at a time. */
export function calls(
  caller: Caller,
  kind: keyof typeof work,
  { count, atOnce }: { readonly count: number; readonly atOnce: number },
): Promise<Measured> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work[kind](caller, next++);
  };
  return measured(count, () => Promise.all(Array.from({ length: atOnce }, worker)));
}

/** Events of history, as fast as they come. */
export function events(caller: Caller, from: number, count: number): Promise<Measured> {
  return measured(count, () => caller.hear("bench/", from, count));
}

/** Fills the keys, and writes so many events; the revision before the first of them. */
export async function prepare(caller: Caller, count: number): Promise<number> {
  await calls(caller, "put", { count: keys, atOnce: 64 });
  const before = await caller.revision();
  await calls(caller, "put", { count, atOnce: 64 });
  return before;
}

async function measured(count: number, act: () => Promise<unknown>): Promise<Measured> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(startCpu);
  return { perSecond: (count / (performance.now() - startMs)) * 1000, cpuMicros: (user + system) / count };
}
