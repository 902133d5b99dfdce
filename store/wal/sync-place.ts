/** "here": the calling thread stands still meanwhile. "elsewhere": another thread is woken for it, and wakes this one again. */
export type Place = "here" | "elsewhere";

/** So many batches of one entry in a row say that nobody else writes: one client that waits for each answer. */
const loneBatches = 8;
/** Of a disk that is never slower than this on average, the loop does not notice a sync; waking two threads takes as long. */
const quickMs = 1;
/** Weight of the last sync in the average: one of 20 ms sends the next 16 elsewhere. */
const weight = 1 / 16;

/** Decides where the log syncs. A put alone waits for little else than threads that wake each other, so its sync is best done
 *  where it is; where there is other work, or the disk is slow, the loop must not stand still for it. Pure. */
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
