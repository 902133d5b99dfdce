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

/** Calls for so long, some at a time. */
export async function calls(
  caller: Caller,
  kind: keyof typeof work,
  { forMs, atOnce }: { readonly forMs: number; readonly atOnce: number },
): Promise<Measured> {
  const end = performance.now() + forMs;
  let next = 0;
  const worker = async () => {
    while (performance.now() < end) await work[kind](caller, next++);
  };
  return measured(
    () => Promise.all(Array.from({ length: atOnce }, worker)),
    () => next,
  );
}

/** Events of history, as fast as they come. */
export function events(caller: Caller, from: number, count: number): Promise<Measured> {
  return measured(
    () => caller.hear("bench/", from, count),
    () => count,
  );
}

/** Fills the keys, and writes so many events; the revision before the first of them. */
export async function prepare(caller: Caller, count: number): Promise<number> {
  let next = 0;
  const fill = (upTo: number) =>
    Promise.all(
      Array.from({ length: 64 }, async () => {
        while (next < upTo) await work.put(caller, next++);
      }),
    );
  await fill(keys);
  const before = await caller.revision();
  await fill(keys + count);
  return before;
}

async function measured(act: () => Promise<unknown>, count: () => number): Promise<Measured> {
  const [startMs, startCpu] = [performance.now(), process.cpuUsage()];
  await act();
  const { user, system } = process.cpuUsage(startCpu);
  const [did, tookMs] = [count(), performance.now() - startMs];
  return { perSecond: (did / tookMs) * 1000, cpuMicros: (user + system) / did };
}
