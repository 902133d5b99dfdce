import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";
import { tellEach } from "../../base/tell-each.ts";
import type { StateReader } from "../apply/types.ts";
import type { Consensus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";

export const readMetrics = (meter: Meter) => ({
  failed: meter.counter(
    "etcd_server_read_indexes_failed_total",
    "The total number of failed read indexes seen.",
  ),
  slow: meter.counter(
    "etcd_server_slow_read_indexes_total",
    "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
  ),
});

/** A read that waits: one of these is called, once, at once or later. Neither throws. */
export interface Reader {
  ready(): void;
  failed(error: unknown): void;
}

/** Asks for the read index once for all reads that wait; those that come meanwhile share the next round, never the
 *  running one: its index may be older than a write they must see. */
export class LinearizableReads {
  readonly #consensus: Consensus;
  readonly #state: Pick<StateReader, "appliedIndex" | "waitApplied">;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #metrics: ReturnType<typeof readMetrics>;
  readonly #stopping = new AbortController();
  #waiting: Reader[] = [];
  #asking = false;

  constructor(
    options: { readonly timeoutMs: number },
    parts: {
      readonly consensus: Consensus;
      readonly state: Pick<StateReader, "appliedIndex" | "waitApplied">;
      readonly clock: Clock;
      readonly meter: Meter;
    },
  ) {
    this.#timeoutMs = options.timeoutMs;
    this.#consensus = parts.consensus;
    this.#state = parts.state;
    this.#clock = parts.clock;
    this.#metrics = readMetrics(parts.meter);
  }

  /** Tells the reader when a read from the current state is linearizable. */
  whenReady(reader: Reader): void {
    if (this.#stopping.signal.aborted) {
      reader.failed(new StoreError("STOPPED"));
      return;
    }
    this.#waiting.push(reader);
    if (!this.#asking) this.#ask();
  }

  /** Resolves when a read from the current state is linearizable. Throws StoreError. */
  ready(): Promise<void> {
    return new Promise((ready, failed) => this.whenReady({ ready, failed }));
  }

  stop(): void {
    this.#stopping.abort(new StoreError("STOPPED"));
  }

  #ask(): void {
    const readers = this.#waiting;
    if (readers.length === 0) return;
    this.#waiting = [];
    this.#asking = true;
    this.#round().then(
      () => tellEach(readers, (reader) => reader.ready()),
      (error: unknown) => {
        this.#metrics.failed.inc();
        tellEach(readers, (reader) => reader.failed(error));
      },
    );
  }

  async #round(): Promise<void> {
    const timeout = new AbortController();
    const onStop = () => timeout.abort(new StoreError("STOPPED"));
    this.#stopping.signal.addEventListener("abort", onStop, { once: true });
    const stopTimer = this.#clock.after(this.#timeoutMs, () => {
      this.#metrics.slow.inc();
      timeout.abort(new StoreError("TIMEOUT"));
    });
    try {
      const index = await this.#readIndex(timeout.signal);
      if (this.#state.appliedIndex < index) await this.#state.waitApplied(index, timeout.signal);
    } finally {
      stopTimer();
      this.#stopping.signal.removeEventListener("abort", onStop);
    }
  }

  /** The next round may start as soon as the index is known; it need not wait for the applying. */
  async #readIndex(signal: AbortSignal): Promise<number> {
    try {
      return await this.#consensus.readIndex(signal);
    } finally {
      this.#asking = false;
      this.#ask();
    }
  }
}
