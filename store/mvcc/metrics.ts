import type { Clock } from "../../base/os/clock.ts";
import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { Counting, Standing } from "../../base/os/tally.ts";

type Now = Pick<Clock, "monotonicMs" | "wallMs">;

/** What is measured of compactions. */
export class CompactionMetrics {
  readonly #clock: Now;
  readonly #indexPauses;
  readonly #dropPauses;
  readonly #totals;
  readonly #keys: Counting;
  readonly #last: Standing;

  constructor(meter: Meter, clock: Now) {
    this.#clock = clock;
    const milliseconds = (name: string, what: string, start: number, count: number) =>
      meter
        .buckets(
          `etcd_debugging_mvcc_${name}_duration_milliseconds`,
          `Bucketed histogram of ${what} duration.`,
          exponentialBuckets(start, 2, count),
        )
        .of({});
    this.#indexPauses = milliseconds("index_compaction_pause", "index compaction pause", 0.5, 14);
    this.#dropPauses = milliseconds("db_compaction_pause", "db compaction pause", 1, 13);
    this.#totals = milliseconds("db_compaction_total", "db compaction total", 100, 14);
    this.#keys = meter
      .tally("etcd_debugging_mvcc_db_compaction_keys_total", "Total number of db keys compacted.")
      .of({});
    this.#last = meter
      .standing(
        "etcd_debugging_mvcc_db_compaction_last",
        "The unix time of the last db compaction. Resets to 0 on start.",
      )
      .of({});
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** A slice of work on the index held the thread since then. */
  indexHeldSince(startMs: number): void {
    this.#indexPauses.observe(this.nowMs() - startMs);
  }

  /** Marking rows as dropped held the thread since then. */
  dropHeldSince(startMs: number): void {
    this.#dropPauses.observe(this.nowMs() - startMs);
  }

  /** A compaction that began then has dropped so many rows, and is done. */
  finished(startMs: number, rows: number): void {
    this.#totals.observe(this.nowMs() - startMs);
    this.#keys.count += rows;
    this.#last.count = Math.floor(this.#clock.wallMs() / 1_000);
  }
}
