import type { Meter } from "../../../base/os/metrics.ts";

type Labels = "group" | "version" | "resource";

/** Figures of what is sent in watches, under Kubernetes' names. */
export const watchMetrics = (meter: Meter) => ({
  events: meter.tally<Labels>(
    "apiserver_watch_events_total",
    "[ALPHA] Number of events sent in watch clients",
  ),
  bytes: meter.buckets<Labels>(
    "apiserver_watch_events_sizes",
    "[ALPHA] Watch event size distribution in bytes",
    [1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072],
  ),
});
export type WatchMetrics = ReturnType<typeof watchMetrics>;
