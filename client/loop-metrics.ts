import { exponentialBuckets, type Meter } from "../base/os/metrics.ts";
import { oncePerMeter } from "../base/os/once-per-meter.ts";
import type { QueueObserver, WorkQueue } from "./work-queue.ts";

/** What every controller loop and leader election of a process reports, under Kubernetes' names. Shared: several components may
 *  live in one process. */
export type LoopMetrics = ReturnType<typeof declare>;

export const loopMetrics = oncePerMeter(declare);

/** Of one queue, which is among those that `queues` names. */
export function queueObserver(metrics: LoopMetrics, name: string): QueueObserver {
  return {
    onAdd: () => metrics.adds.inc({ name }),
    onTake: (waitedMs) => metrics.queueSeconds.observe({ name }, waitedMs / 1000),
  };
}

const seconds = exponentialBuckets(1e-8, 10, 10);

function declare(meter: Meter) {
  const queues = new Map<WorkQueue, string>();
  const ofQueues = function* (read: (all: readonly WorkQueue[]) => number) {
    for (const name of new Set(queues.values())) {
      const all = [...queues].flatMap(([queue, of]) => (of === name ? queue : []));
      yield [{ name }, read(all)] as const;
    }
  };
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  const workingForMs = (all: readonly WorkQueue[]) => all.flatMap((queue) => queue.workingForMs());
  meter.observedBy("workqueue_depth", "Current depth of the work queue.", ["name"], () =>
    ofQueues((all) => sum(all.map(({ length }) => length))),
  );
  meter.observedBy(
    "workqueue_unfinished_work_seconds",
    "How long the keys that are being worked on have been, together.",
    ["name"],
    () => ofQueues((all) => sum(workingForMs(all)) / 1000),
  );
  meter.observedBy(
    "workqueue_longest_running_processor_seconds",
    "How long the key has been worked on that has been for longest.",
    ["name"],
    () => ofQueues((all) => Math.max(0, ...workingForMs(all)) / 1000),
  );
  return {
    /** Those whose state is reported, with their names; those of one name are reported together. */
    queues,
    adds: meter.counter("workqueue_adds_total", "Keys that came to need work.", ["name"]),
    queueSeconds: meter.histogram("workqueue_queue_duration_seconds", "How long keys waited for work.", {
      labels: ["name"],
      buckets: seconds,
    }),
    retries: meter.counter("workqueue_retries_total", "Keys that were added again after a failure.", [
      "name",
    ]),
    workSeconds: meter.histogram("workqueue_work_duration_seconds", "Time to work on one key.", {
      labels: ["name"],
      buckets: seconds,
    }),
    leader: meter.gauge(
      "leader_election_master_status",
      "1 while this process holds the lease of that name, else 0.",
      ["name"],
    ),
    eventsDropped: meter.counter("event_recorder_dropped_total", "Events that were not sent.", ["reason"]),
  };
}
