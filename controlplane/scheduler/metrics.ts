import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";

export type SchedulerMetrics = ReturnType<typeof declare>;

const declared = new WeakMap<Meter, SchedulerMetrics>();

/** What a scheduler reports, under kube-scheduler's names. Declared once per registry. */
export function schedulerMetrics(meter: Meter): SchedulerMetrics {
  const existing = declared.get(meter);
  if (existing !== undefined) return existing;
  const metrics = declare(meter);
  declared.set(meter, metrics);
  return metrics;
}

function declare(meter: Meter) {
  return {
    attempts: meter.counter(
      "scheduler_schedule_attempts_total",
      "Attempts to schedule pods, by result: scheduled, unschedulable, error.",
      ["result"],
    ),
    attemptSeconds: meter.histogram(
      "scheduler_scheduling_attempt_duration_seconds",
      "Time to decide where a pod goes and bind it, by result.",
      { labels: ["result"], buckets: exponentialBuckets(0.001, 2, 15) },
    ),
    algorithmSeconds: meter.histogram(
      "scheduler_scheduling_algorithm_duration_seconds",
      "Time to decide where a pod goes.",
      { buckets: exponentialBuckets(0.0001, 2, 15) },
    ),
    pending: meter.gauge("scheduler_pending_pods", "Pods that wait, by queue.", ["queue"]),
    cacheSize: meter.gauge("scheduler_cache_size", "Nodes and assumed pods in the cache.", ["type"]),
  };
}
