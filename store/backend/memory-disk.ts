import { OrderedMap } from "../../base/ordered-map.ts";
import { chance, type Random } from "../../base/os/random.ts";
import type { Write } from "./backend.ts";

/** A log that holds so many rows is left for a new one. Small, so that tests cross many. */
const logRowsMax = 12;

interface Batch {
  readonly writes: readonly Write[];
  /** Number of the log it was appended to. */
  readonly log: number;
  durable: boolean;
}

/** The simulated disk under `MemoryBase`. It keeps and loses what LevelDB on a file system does:
 *  - A batch is appended to the newest log. A sync makes durable what this one log holds.
 *  - A full log is left for a new one without a sync. What it holds is durable once a table was made of it, some time before
 *    the new log is full as well.
 *  - After a power cut each batch that is not durable is there or is not, whatever became of those before and after it: a
 *    recovery skips what it cannot read. */
export class MemoryDisk {
  /** Counts crashes: whoever opened the disk in an earlier life writes no more. */
  life = 0;
  #rows = new OrderedMap<Uint8Array>();
  /** What is durable but for `#batches`. */
  #settled = new OrderedMap<Uint8Array>();
  /** Oldest first; the first one is not durable. */
  #batches: Batch[] = [];
  #log = 1;
  #logRows = 0;

  /** What a reader sees. */
  get rows(): OrderedMap<Uint8Array> {
    return this.#rows;
  }

  /** The system has the batch: it survives the process. */
  append(writes: readonly Write[]): void {
    if (this.#logRows >= logRowsMax) {
      this.#makeDurable((batch) => batch.log < this.#log);
      this.#log++;
      this.#logRows = 0;
    }
    this.#batches.push({ writes, log: this.#log, durable: false });
    this.#logRows += writes.length;
    apply(this.#rows, writes);
  }

  /** fdatasync of the newest log. */
  sync(): void {
    this.#makeDurable((batch) => batch.log === this.#log);
  }

  /** Whoever opens it reads its logs into tables, syncs those and then begins a new log (LevelDB's `DBImpl::Recover`): what is
   *  seen from now on was made durable. */
  open(): void {
    this.#makeDurable(() => true);
    this.#log++;
    this.#logRows = 0;
  }

  /** Whoever had it open is gone; what they wrote is as safe or unsafe as before. */
  kill(): void {
    this.life++;
  }

  /** Power failed. */
  crash(random: Random): void {
    this.life++;
    if (chance(random, 0.5)) this.#makeDurable((batch) => batch.log < this.#log);
    for (const batch of this.#batches)
      if (batch.durable || chance(random, 0.5)) apply(this.#settled, batch.writes);
    this.#batches = [];
    this.#rows = new OrderedMap();
    this.#settled.visit("", undefined, (key, value) => {
      this.#rows.set(key, value);
    });
  }

  #makeDurable(which: (batch: Batch) => boolean): void {
    for (const batch of this.#batches) if (which(batch)) batch.durable = true;
    const lost = this.#batches.findIndex((batch) => !batch.durable);
    const settled = this.#batches.splice(0, lost < 0 ? this.#batches.length : lost);
    for (const { writes } of settled) apply(this.#settled, writes);
  }
}

function apply(rows: OrderedMap<Uint8Array>, writes: readonly Write[]): void {
  for (const [key, value] of writes)
    if (value === undefined) rows.delete(key);
    else rows.set(key, value);
}
