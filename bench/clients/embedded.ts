import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore, type Store } from "../../store/embedded/open-store.ts";
import { type Spread, spread } from "../spread.ts";
import { keyspaceCaller } from "./callers.ts";
import { calls, events, prepare } from "./measure.ts";

export interface Load {
  /** How long calls of one kind are made. */
  readonly ms: number;
  /** That a watch is told. */
  readonly events: number;
}

/** Bytes that are in memory, once what nobody needs is gone. */
async function residentBytes(): Promise<number> {
  globalThis.gc?.();
  await new Promise(setImmediate);
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

/** A store in this process: how soon it is there, what it holds, how fast it is. */
export async function embedded(load: Load, say: (text: string) => void): Promise<void> {
  const openedMs: number[] = [];
  for (let n = 0; n < 12; n++) {
    const startMs = performance.now();
    const store = await openStore();
    openedMs.push(performance.now() - startMs);
    await store.close();
  }
  say(`openStore() in memory: the first ${ms(openedMs[0])}, then ${shown(spread(openedMs.slice(1)))} ms`);
  const before = await residentBytes();
  const startMs = performance.now();
  const many = await Promise.all(Array.from({ length: 50 }, () => openStore()));
  const tookMs = performance.now() - startMs;
  const after = await residentBytes();
  say(
    `50 stores in memory at once: ${ms(tookMs)}, ${((after - before) / 50 / 1024).toFixed(0)} kB resident each`,
  );
  await Promise.all(many.map((store) => store.close()));
  const folder = await mkdtemp(join(tmpdir(), "pintle-bench-"));
  try {
    await speed("in memory", await openStore({ history: "all" }), load, say);
    await speed("in a folder", await openStore({ folder: join(folder, "s"), history: "all" }), load, say);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function speed(where: string, store: Store<string>, load: Load, say: (text: string) => void) {
  const caller = { ...keyspaceCaller(`openStore ${where}`, store), close: () => store.close() };
  const from = await prepare(caller, load.events);
  for (const kind of ["put", "get"] as const)
    for (const atOnce of [1, 16, 128]) {
      const { perSecond, cpuMicros } = await calls(caller, kind, { forMs: load.ms, atOnce });
      say(
        `${where}: ${kind}, ${atOnce} at once: ${Math.round(perSecond)}/s, ${cpuMicros.toFixed(1)} µs of CPU each`,
      );
    }
  const { perSecond } = await events(caller, from + 1, load.events);
  say(`${where}: events of a watch: ${Math.round(perSecond)}/s`);
  await store.close();
}

const ms = (value = Number.NaN) => `${value.toFixed(1)} ms`;
const shown = ({ median, min, max }: Spread) =>
  `${median.toFixed(1)} (${min.toFixed(1)} to ${max.toFixed(1)})`;
