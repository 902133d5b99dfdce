import type { Clock } from "../../base/os/clock.ts";
import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { Buckets, Standing } from "../../base/os/tally.ts";
import type { View } from "../backend/backend.ts";

/** How long what concerns the whole state takes: hashes, defragmentations, snapshots. */
export class StateWorkTimes {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #hash: Buckets;
  readonly #hashAtRevision: Buckets;
  readonly #defragmentation: Buckets;
  readonly #snapshot: Buckets;
  readonly #received: Buckets;
  readonly #receivedSync: Buckets;
  readonly #defragmenting: Standing;

  constructor(meter: Meter, clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    const seconds = (name: string, help: string, start: number, count: number) =>
      meter.buckets(name, help, exponentialBuckets(start, 2, count)).of({});
    this.#hash = seconds(
      "etcd_mvcc_hash_duration_seconds",
      "The latency distribution of storage hash operation.",
      0.01,
      15,
    );
    this.#hashAtRevision = seconds(
      "etcd_mvcc_hash_rev_duration_seconds",
      "The latency distribution of storage hash by revision operation.",
      0.01,
      15,
    );
    this.#defragmentation = seconds(
      "etcd_disk_backend_defrag_duration_seconds",
      "The latency distribution of backend defragmentation.",
      0.1,
      13,
    );
    this.#snapshot = seconds(
      "etcd_disk_backend_snapshot_duration_seconds",
      "The latency distribution of backend snapshots.",
      0.01,
      17,
    );
    this.#received = seconds(
      "etcd_snap_db_save_total_duration_seconds",
      "The total latency distributions of v3 snapshot save",
      0.1,
      10,
    );
    this.#receivedSync = seconds(
      "etcd_snap_db_fsync_duration_seconds",
      "The latency distributions of fsyncing .snap.db file",
      0.001,
      14,
    );
    this.#defragmenting = meter
      .standing(
        "etcd_disk_defrag_inflight",
        "Whether or not defrag is active on the member. 1 means active, 0 means not.",
      )
      .of({});
  }

  hashing<T>(work: () => Promise<T>): Promise<T> {
    return this.#timed(this.#hash, work);
  }

  hashingAtRevision<T>(work: () => Promise<T>): Promise<T> {
    return this.#timed(this.#hashAtRevision, work);
  }

  async defragmenting(work: () => Promise<void>): Promise<void> {
    this.#defragmenting.count++;
    try {
      await this.#timed(this.#defragmentation, work);
    } finally {
      this.#defragmenting.count--;
    }
  }

  /** Times a view that was opened for a snapshot until it is closed. */
  snapshotting(view: View): View {
    const startMs = this.#clock.monotonicMs();
    return {
      pages: (...which) => view.pages(...which),
      close: () => {
        this.#snapshot.observe((this.#clock.monotonicMs() - startMs) / 1_000);
        return view.close();
      },
    };
  }

  /** Takes in a snapshot that another member sends. */
  receiving<T>(work: () => Promise<T>): Promise<T> {
    return this.#timed(this.#received, work);
  }

  /** Makes a received one durable and puts it in its place. */
  adopting(work: () => Promise<void>): Promise<void> {
    return this.#timed(this.#receivedSync, work);
  }

  async #timed<T>(times: Buckets, work: () => Promise<T>): Promise<T> {
    const startMs = this.#clock.monotonicMs();
    const result = await work();
    times.observe((this.#clock.monotonicMs() - startMs) / 1_000);
    return result;
  }
}
