import type { Clock } from "../../base/os/clock.ts";
import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import { TimesByOutcome } from "../request-times.ts";

/** One of so many reads of a single key is timed, and stands for those after it: they take less time than to ask the clock. */
const keyReadsPerTimed = 16;

/** How long ranges take to be worked out, once they may be. */
export class RangeTimes {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #times: TimesByOutcome;
  #keyReads = 0;
  #keyReadSeconds = 0;

  constructor(meter: Meter, clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
    const family = meter.buckets<"success">(
      "etcd_server_range_duration_seconds",
      "The latency distributions of txn.Range",
      exponentialBuckets(0.000_1, 2, 20),
    );
    this.#times = new TimesByOutcome((success) => family.of({ success }));
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  /** A single key is read now. Answers what `keyReadEnded` is to be told. */
  keyReadBegins(): number | undefined {
    return this.#keyReads++ % keyReadsPerTimed === 0 ? this.nowMs() : undefined;
  }

  keyReadEnded(startMs: number | undefined): void {
    if (startMs !== undefined) this.#keyReadSeconds = (this.nowMs() - startMs) / 1_000;
    this.#times.succeeded.observe(this.#keyReadSeconds);
  }

  ended(startMs: number): void {
    this.#times.succeeded.observe((this.nowMs() - startMs) / 1_000);
  }

  failed(startMs: number | undefined): void {
    const tookMs = startMs === undefined ? 0 : this.nowMs() - startMs;
    this.#times.failed.observe(tookMs / 1_000);
  }
}
