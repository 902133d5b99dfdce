import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { Buckets } from "../../base/os/tally.ts";

const bounds = exponentialBuckets(0.001, 2, 14);

/** How long it takes to send watches what they are told. What is sent in one go shares its time equally. */
export class SendTimes {
  readonly #batches: Buckets;
  readonly #events: Buckets;

  constructor(meter: Meter) {
    const seconds = (name: string, help: string) =>
      meter.buckets(`etcd_debugging_server_watch_send_loop_${name}_seconds`, help, bounds).of({});
    this.#batches = seconds(
      "watch_stream_duration",
      "The total duration in seconds of running through the send loop watch stream response all events.",
    );
    this.#events = seconds(
      "watch_stream_duration_per_event",
      "The average duration in seconds of running through the send loop watch stream response, per event.",
    );
  }

  sent(tookMs: number, { batches, events }: { readonly batches: number; readonly events: number }): void {
    if (batches === 0) return;
    this.#batches.observeMany(tookMs / 1_000 / batches, batches);
    this.#events.observeMany(tookMs / 1_000 / Math.max(1, events), batches);
  }
}
