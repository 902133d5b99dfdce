import type { Clock } from "../os/clock.ts";
import type { Log } from "../os/log.ts";
import type { Meter } from "../os/metrics.ts";
import { oncePerMeter } from "../os/once-per-meter.ts";
import type { EndedSpan } from "./span.ts";

/** OpenTelemetry's batch span processor has the same. */
export const queuedMax = 2048;
export const batchMax = 512;
export const batchEveryMs = 5_000;
/** How long the last spans may take when the program ends. */
export const lastSpansMs = 2_000;

/** Sends so many spans; fails with an Error that says why it could not. */
export interface SpanSender {
  send(spans: readonly EndedSpan[]): Promise<void>;
  close(): void;
}

const tracingMetrics = oncePerMeter((meter: Meter) => ({
  exported: meter.tally("pintle_tracing_spans_exported_total", "Spans that a collector has taken."),
  dropped: meter.tally<"reason">(
    "pintle_tracing_spans_dropped_total",
    "Spans that were lost, as the queue was full or the collector did not take them.",
  ),
}));

/** Spans on their way. Nobody waits for it: what finds no place is dropped and counted, and so is what is not taken. */
export class SpanQueue {
  readonly #sender: SpanSender;
  readonly #deps: { readonly clock: Clock; readonly log: Log };
  readonly #metrics: ReturnType<typeof tracingMetrics>;
  #queued: EndedSpan[] = [];
  #sending: Promise<void> | undefined;
  #cancel: (() => void) | undefined;
  #isClosed = false;
  #trouble: string | undefined;

  constructor(
    sender: SpanSender,
    deps: { readonly clock: Clock; readonly log: Log; readonly metrics: Meter },
  ) {
    this.#sender = sender;
    this.#deps = deps;
    this.#metrics = tracingMetrics(deps.metrics);
    for (const reason of ["queue full", "not taken"]) this.#metrics.dropped.of({ reason });
  }

  add = (span: EndedSpan): void => {
    if (this.#isClosed || this.#queued.length >= queuedMax) {
      this.#metrics.dropped.of({ reason: "queue full" }).count++;
      return;
    }
    this.#queued.push(span);
    if (this.#queued.length >= batchMax) this.#begin();
    else this.#cancel ??= this.#deps.clock.after(batchEveryMs, () => this.#begin());
  };

  /** Sends what is left, if that is quick. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#begin();
    let cancel = () => {};
    await Promise.race([
      this.#sending,
      new Promise<void>((resolve) => {
        cancel = this.#deps.clock.after(lastSpansMs, resolve);
      }),
    ]);
    cancel();
    this.#cancel?.();
    this.#sender.close();
  }

  #begin(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#queued.length > 0) {
      const batch = this.#queued.splice(0, batchMax);
      try {
        await this.#sender.send(batch);
        this.#metrics.exported.of({}).count += batch.length;
        this.#trouble = undefined;
      } catch (error) {
        this.#metrics.dropped.of({ reason: "not taken" }).count += batch.length;
        const why = error instanceof Error ? error.message : String(error);
        if (why !== this.#trouble) this.#deps.log.warn("spans are not taken", { why, spans: batch.length });
        this.#trouble = why;
      }
    }
  }
}
