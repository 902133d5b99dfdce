import type { Life } from "../machine.ts";
import type { SimOptions } from "../options.ts";
import type { Report } from "../report.ts";

/** Bytes of a request of this workload beside its values, at most. */
const requestBytesMax = 2_000;

/** What a member keeps in memory has a bound: entries for followers that lag, always; and at rest nothing is left of requests that
 *  are over. */
export class BoundedMemory {
  readonly #report: Report;
  readonly #logBytesMax: number;
  readonly #pendingBytesMax: number;

  constructor(options: SimOptions, report: Report) {
    const { snapshotCount, catchUpEntries, logBytesMax, valueBytesMax, backendBatchRows } = options;
    this.#report = report;
    // A batch leaves when it has so many rows.
    this.#pendingBytesMax = (backendBatchRows + 10) * (requestBytesMax + valueBytesMax);
    // Between two snapshots' worth of entries, as many that were proposed meanwhile, and a tail nobody else has; besides what is
    // kept for those that are sent a snapshot.
    const entries = 40 * snapshotCount + catchUpEntries + 200;
    this.#logBytesMax = logBytesMax + entries * (requestBytesMax + 4 * valueBytesMax);
  }

  looked(life: Life): void {
    this.#atMost(life, "pintle_raft_log_bytes", this.#logBytesMax);
  }

  /** Nobody asks for anything any more, and `watches` are open at most. */
  rested(life: Life, watches: number): void {
    this.#atMost(life, "etcd_server_proposals_pending", 0);
    this.#atMost(life, "etcd_debugging_mvcc_slow_watcher_total", 0);
    this.#atMost(life, "pintle_backend_pending_bytes", this.#pendingBytesMax);
    this.#atMost(life, "etcd_debugging_mvcc_watcher_total", watches);
  }

  #atMost({ machine, metrics }: Life, name: string, most: number): void {
    const found = metrics.read(name);
    if (found === undefined || found > most)
      this.#report("bounded memory", `${name} of ${machine.name} is ${found}, where ${most} is the most`);
  }
}
