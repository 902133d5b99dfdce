import type { Committed, CommittedListener } from "../committed-log.ts";
import type { Report } from "../report.ts";

/** What a client asked for once is in the log at most once. */
export class ExactlyOnce implements CommittedListener {
  readonly #indexes = new Map<number, number>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  committed({ operation, entry }: Pick<Committed, "operation"> & { entry: { index: number } }): void {
    if (operation === 0) return;
    const before = this.#indexes.get(operation);
    if (before !== undefined)
      this.#report(
        "exactly once",
        `operation ${operation} is in the log twice, at ${before} and ${entry.index}`,
      );
    this.#indexes.set(operation, entry.index);
  }
}
