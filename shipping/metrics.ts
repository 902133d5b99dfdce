import type { Meter } from "../base/os/metrics.ts";
import { oncePerMeter } from "../base/os/once-per-meter.ts";

export type DropReason = "refused" | "gave_up" | "buffer_full" | "buffer_damaged" | "unknown_format";

export interface BufferFigures {
  readonly bytes: number;
  readonly oldestAtMs: number | undefined;
  readonly wallMs: number;
}

/** What becomes of one receiver's records. */
export interface ShipmentCounts {
  sent(records: number): void;
  acknowledged(records: number): void;
  retried(records: number): void;
  dropped(reason: DropReason, records: number): void;
  observe(figures: () => BufferFigures): void;
}

type Labels = Readonly<Record<"component" | "receiver", string>>;
const names = ["component", "receiver"] as const;

const declared = oncePerMeter((meter: Meter) => {
  const observed: (readonly [Labels, () => BufferFigures])[] = [];
  const each = function* (value: (figures: BufferFigures) => number) {
    for (const [labels, figures] of observed) yield [labels, value(figures())] as const;
  };
  meter.observedBy(
    "pintle_log_shipping_buffer_bytes",
    "Bytes that wait on disk for a receiver of logs, or are about to be removed.",
    names,
    () => each(({ bytes }) => bytes),
  );
  meter.observedBy(
    "pintle_log_shipping_oldest_unsent_seconds",
    "Age of the oldest record that a receiver of logs does not have, since it was read; 0 where there is none.",
    names,
    () =>
      each(({ oldestAtMs, wallMs }) =>
        oldestAtMs === undefined ? 0 : Math.max(0, wallMs - oldestAtMs) / 1000,
      ),
  );
  return {
    observed,
    sent: meter.counter(
      "pintle_log_shipping_sent_records_total",
      "Records sent to a receiver of logs, each time that one was.",
      names,
    ),
    acknowledged: meter.counter(
      "pintle_log_shipping_acknowledged_records_total",
      "Records that a receiver of logs has taken.",
      names,
    ),
    retried: meter.counter(
      "pintle_log_shipping_retried_records_total",
      "Records that a receiver of logs did not take and that are sent again.",
      names,
    ),
    dropped: meter.counter(
      "pintle_log_shipping_dropped_records_total",
      "Records that no receiver gets: refused for what is in them, given up after retry.giveUpAfter, or gone from a buffer that was full or damaged.",
      [...names, "reason"] as const,
    ),
  };
});

export function shipmentCounts(meter: Meter, labels: Labels): ShipmentCounts {
  const { observed, sent, acknowledged, retried, dropped } = declared(meter);
  return {
    sent: (records) => sent.inc(labels, records),
    acknowledged: (records) => acknowledged.inc(labels, records),
    retried: (records) => retried.inc(labels, records),
    dropped: (reason, records) => dropped.inc({ ...labels, reason }, records),
    observe: (figures) => observed.push([labels, figures]),
  };
}
