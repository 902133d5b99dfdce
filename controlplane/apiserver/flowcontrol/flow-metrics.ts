import type { Meter } from "../../../base/os/metrics.ts";
import type { PriorityLevels } from "./priority-levels.ts";

/** Figures of priority and fairness under Kubernetes' names, with its labels and buckets. Its timing histograms (demand_seats,
 *  …_utilization, read_vs_write_current_requests), which observe every nanosecond, are not among them. */

const secondsBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const flow = ["priority_level", "flow_schema"] as const;
const name = (text: string) => `apiserver_flowcontrol_${text}`;

export const flowMetrics = (meter: Meter) => ({
  rejected: meter.counter(name("rejected_requests_total"), "Requests refused by priority and fairness.", [
    ...flow,
    "reason",
  ]),
  dispatched: meter.counter(name("dispatched_requests_total"), "Requests that got a seat.", flow),
  waiting: meter.gauge(name("current_inqueue_requests"), "Requests that wait in queues.", flow),
  waitingSeats: meter.gauge(name("current_inqueue_seats"), "Seats that they want.", flow),
  executing: meter.gauge(
    name("current_executing_requests"),
    "Requests that hold a seat; watches only until they have begun.",
    flow,
  ),
  executingSeats: meter.gauge(
    name("current_executing_seats"),
    "Seats that are taken, by requests and by what they set going.",
    flow,
  ),
  queueLength: meter.histogram(
    name("request_queue_length_after_enqueue"),
    "Length of the queue that a request joined, with it.",
    { labels: flow, buckets: [0, 10, 25, 50, 100, 250, 500, 1000] },
  ),
  waitSeconds: meter.histogram(name("request_wait_duration_seconds"), "Time in a queue.", {
    labels: [...flow, "execute"],
    buckets: secondsBuckets,
  }),
  executionSeconds: meter.histogram(
    name("request_execution_seconds"),
    "Time on a seat; of watches until they have begun.",
    { labels: [...flow, "type"], buckets: secondsBuckets },
  ),
  estimatedSeats: meter.histogram(
    name("work_estimated_seats"),
    "Seats that requests are thought to take, at their widest.",
    { labels: flow, buckets: [1, 2, 4, 8, 16, 32, 64, 100] },
  ),
  watchCount: meter.histogram(name("watch_count_samples"), "Watches that a write's event would reach.", {
    labels: flow,
    buckets: [0, 1, 10, 100, 1000, 10_000],
  }),
});
export type FlowMetrics = ReturnType<typeof flowMetrics>;

/** Figures of the levels, read when somebody looks. */
export function observeLevels(meter: Meter, levels: PriorityLevels): void {
  type Level = typeof levels.all extends Iterable<infer L> ? L : never;
  const each = (text: string, help: string, read: (level: Level) => number) =>
    meter.observedBy(name(text), help, ["priority_level"], () =>
      [...levels.all].map((level) => [{ priority_level: level.name }, read(level)] as const),
    );
  each("nominal_limit_seats", "Seats that the level's shares are worth.", (one) => one.nominalSeats);
  each("lower_limit_seats", "Seats that it has at least.", (one) => one.lowerSeats);
  each("upper_limit_seats", "Seats that it has at most.", (one) => one.upperSeats);
  each("current_limit_seats", "Seats that it has now.", (one) => one.queues.seatsMax);
  each("target_seats", "Seats that it wants.", (one) => one.targetSeats);
  each("demand_seats_average", "Seats wanted on average in the last period.", (one) => one.demand.mean);
  each("demand_seats_stdev", "How far that swung.", (one) => one.demand.deviation);
  each("demand_seats_high_watermark", "The most seats wanted in the last period.", (one) => one.demand.max);
  each("demand_seats_smoothed", "Seats wanted lately.", (one) => one.smoothed);
  each("current_r", "How far a queue of the level has come, in seat-seconds.", (one) => one.queues.virtual);
  meter.observed(
    name("seat_fair_frac"),
    "The part of what it wants that each level gets.",
    () => levels.fairPart,
  );
}
