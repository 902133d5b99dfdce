import { below, chance, type Random } from "../../base/os/random.ts";
import type { DiskStep } from "./faulty-disk.ts";
import type { Life, Machine } from "./machine.ts";
import { type SimOptions, type Window, windows } from "./options.ts";

/** Which steps of a member belong to a window. */
const isWithin: Readonly<Record<Window, (step: DiskStep, life: Life) => boolean>> = {
  segmentCut: ({ path, act }) =>
    path.startsWith("/data/member/wal") &&
    (path.endsWith(".tmp") || act === "rename" || act === "syncFolder"),
  /** Before the mark that names what was synced, and after it. */
  revisionSync: ({ path, act }) => path.startsWith("/revisions/") && act === "sync",
  revisionFiles: ({ path, act }) =>
    path.startsWith("/revisions/") && act !== "sync" && act !== "write" && act !== "truncate",
  install: (_step, { installs }) => installs > 0,
};

/** Aims at moments that are over soon: at each step that a member takes there, it may die. */
export class RareWindows {
  readonly #options: SimOptions;
  readonly #random: Random;
  readonly #crash: (machine: Machine, power: "kept" | "cut", forMs: number) => void;

  constructor(options: SimOptions, parts: { readonly random: Random; readonly crash: RareWindows["crash"] }) {
    this.#options = options;
    this.#random = parts.random;
    this.#crash = parts.crash;
  }

  get crash() {
    return this.#crash;
  }

  step(life: Life, step: DiskStep): void {
    const { crashAt, stretch } = this.#options;
    for (const window of windows) {
      if (crashAt[window] === 0 || !isWithin[window](step, life)) continue;
      if (!chance(this.#random, crashAt[window])) continue;
      const power = chance(this.#random, 0.5) ? "kept" : "cut";
      this.#crash(life.machine, power, stretch * (1 + below(this.#random, 300)));
      return;
    }
  }
}
