/** "here": the calling thread stands still meanwhile. "elsewhere": another thread is woken for it, and wakes this one again. */
export type Place = "here" | "elsewhere";

/** So many batches of one entry in a row say that nobody else writes: one client that waits for each answer. */
const loneBatches = 8;
/** What syncs take on average at most, so that the loop stands still for no longer than many a turn of it takes. */
const quickMs = 1;
/** Weight of the last sync in the average: after one of 20 ms the next seven are not here. */
const weight = 1 / 16;

/** Decides where the log syncs. A put alone waits for little else than threads that wake each other, so its sync is best done
 *  where it is; where there is other work, or the disk is slow, the loop must not stand still for it. Knows no clock and no
 *  disk. */
export class SyncPlace {
  #loneInARow = 0;
  #averageMs = Number.POSITIVE_INFINITY;

  /** @param entries In the batch that is to be synced. */
  next(entries: number): Place {
    this.#loneInARow = entries <= 1 ? this.#loneInARow + 1 : 0;
    return this.#loneInARow > loneBatches && this.#averageMs <= quickMs ? "here" : "elsewhere";
  }

  took(ms: number): void {
    const before = Number.isFinite(this.#averageMs) ? this.#averageMs : ms;
    this.#averageMs = before + (ms - before) * weight;
  }
}
