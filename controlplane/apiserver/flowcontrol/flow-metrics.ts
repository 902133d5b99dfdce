import type { Meter } from "../../../base/os/metrics.ts";
import type { PriorityLevels } from "./priority-levels.ts";

/** Figures of priority and fairness under Kubernetes' names, with its labels and buckets. Its timing histograms (demand_seats,
 *  …_utilization, read_vs_write_current_requests), which observe every nanosecond, are not among them. */

const secondsBuckets = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
type Flow = "priority_level" | "flow_schema";
const name = (text: string) => `apiserver_flowcontrol_${text}`;

export const flowMetrics = (meter: Meter) => ({
  rejected: meter.tally<Flow | "reason">(
    name("rejected_requests_total"),
    "[BETA] Number of requests rejected by API Priority and Fairness subsystem",
  ),
  dispatched: meter.tally<Flow>(
    name("dispatched_requests_total"),
    "[BETA] Number of requests executed by API Priority and Fairness subsystem",
  ),
  waiting: meter.standing<Flow>(
    name("current_inqueue_requests"),
    "[BETA] Number of requests currently pending in queues of the API Priority and Fairness subsystem",
  ),
  waitingSeats: meter.standing<Flow>(
    name("current_inqueue_seats"),
    "[ALPHA] Number of seats currently pending in queues of the API Priority and Fairness subsystem",
  ),
  executing: meter.standing<Flow>(
    name("current_executing_requests"),
    "[BETA] Number of requests in initial (for a WATCH) or any (for a non-WATCH) execution stage in the API Priority and Fairness subsystem",
  ),
  executingSeats: meter.standing<Flow>(
    name("current_executing_seats"),
    "[BETA] Concurrency (number of seats) occupied by the currently executing (initial stage for a WATCH, any stage otherwise) requests in the API Priority and Fairness subsystem",
  ),
  queueLength: meter.buckets<Flow>(
    name("request_queue_length_after_enqueue"),
    "[ALPHA] Length of queue in the API Priority and Fairness subsystem, as seen by each request after it is enqueued",
    [0, 10, 25, 50, 100, 250, 500, 1000],
  ),
  waitSeconds: meter.buckets<Flow | "execute">(
    name("request_wait_duration_seconds"),
    "[BETA] Length of time a request spent waiting in its queue",
    secondsBuckets,
  ),
  executionSeconds: meter.buckets<Flow | "type">(
    name("request_execution_seconds"),
    "[ALPHA] Duration of initial stage (for a WATCH) or any (for a non-WATCH) stage of request execution in the API Priority and Fairness subsystem",
    secondsBuckets,
  ),
  estimatedSeats: meter.buckets<Flow>(
    name("work_estimated_seats"),
    "[ALPHA] Number of estimated seats (maximum of initial and final seats) associated with requests in API Priority and Fairness",
    [1, 2, 4, 8, 16, 32, 64, 100],
  ),
  watchCount: meter.buckets<Flow>(
    name("watch_count_samples"),
    "[ALPHA] count of watchers for mutating requests in API Priority and Fairness",
    [0, 1, 10, 100, 1000, 10_000],
  ),
});
export type FlowMetrics = ReturnType<typeof flowMetrics>;

/** Figures of the levels, read when somebody looks. */
export function observeLevels(meter: Meter, levels: PriorityLevels): void {
  type Level = typeof levels.all extends Iterable<infer L> ? L : never;
  const each = (text: string, help: string, read: (level: Level) => number) =>
    meter.observedBy(name(text), help, ["priority_level"], () =>
      [...levels.all].map((level) => [{ priority_level: level.name }, read(level)] as const),
    );
  each(
    "nominal_limit_seats",
    "[BETA] Nominal number of execution seats configured for each priority level",
    (one) => one.nominalSeats,
  );
  each(
    "lower_limit_seats",
    "[ALPHA] Configured lower bound on number of execution seats available to each priority level",
    (one) => one.lowerSeats,
  );
  each(
    "upper_limit_seats",
    "[ALPHA] Configured upper bound on number of execution seats available to each priority level",
    (one) => one.upperSeats,
  );
  each(
    "current_limit_seats",
    "[ALPHA] current derived number of execution seats available to each priority level",
    (one) => one.queues.seatsMax,
  );
  each("target_seats", "[ALPHA] Seat allocation targets", (one) => one.targetSeats);
  each(
    "demand_seats_average",
    "[ALPHA] Time-weighted average, over last adjustment period, of demand_seats",
    (one) => one.demand.mean,
  );
  each(
    "demand_seats_stdev",
    "[ALPHA] Time-weighted standard deviation, over last adjustment period, of demand_seats",
    (one) => one.demand.deviation,
  );
  each(
    "demand_seats_high_watermark",
    "[ALPHA] High watermark, over last adjustment period, of demand_seats",
    (one) => one.demand.max,
  );
  each("demand_seats_smoothed", "[ALPHA] Smoothed seat demands", (one) => one.smoothed);
  each("current_r", "[ALPHA] R(time of last change)", (one) => one.queues.virtual);
  meter.observed(
    name("seat_fair_frac"),
    "[ALPHA] Fair fraction of server's concurrency to allocate to each priority level that can use it",
    () => levels.fairPart,
  );
}
