import { exponentialBuckets, type Meter } from "../base/os/metrics.ts";

/** What every controller loop and leader election of a process reports, under Kubernetes' names. Declared once per
 *  registry and shared: several components may live in one process. */
export type LoopMetrics = ReturnType<typeof declare>;

const declared = new WeakMap<Meter, LoopMetrics>();

export function loopMetrics(meter: Meter): LoopMetrics {
  const existing = declared.get(meter);
  if (existing !== undefined) return existing;
  const metrics = declare(meter);
  declared.set(meter, metrics);
  return metrics;
}

function declare(meter: Meter) {
  return {
    depth: meter.gauge("workqueue_depth", "Current depth of the work queue.", ["name"]),
    retries: meter.counter("workqueue_retries_total", "Keys that were added again after a failure.", [
      "name",
    ]),
    workSeconds: meter.histogram("workqueue_work_duration_seconds", "Time to work on one key.", {
      labels: ["name"],
      buckets: exponentialBuckets(0.001, 4, 8),
    }),
    leader: meter.gauge(
      "leader_election_master_status",
      "1 while this process holds the lease of that name, else 0.",
      ["name"],
    ),
    eventsDropped: meter.counter("event_recorder_dropped_total", "Events that were not sent.", ["reason"]),
  };
}
