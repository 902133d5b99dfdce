import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { Buckets, Standing } from "../../base/os/tally.ts";
import type { RequestTimes, TimesByOutcome } from "../request-times.ts";

/** What services count themselves. */
export interface RpcMetrics {
  readonly ranges: TimesByOutcome;
  readonly readonlyTxns: TimesByOutcome;
  readonly watchStreams: Standing;
  /** In seconds: answers that create or end a watch. */
  readonly watchControl: Buckets;
  /** In seconds: rounds of progress messages of one stream. */
  readonly watchProgress: Buckets;
  learnerPromoted(): void;
  learnerNotPromoted(reason: string): void;
}

export function rpcMetrics(meter: Meter, times: RequestTimes): RpcMetrics {
  const sending = (name: string, help: string) =>
    meter
      .buckets(
        `etcd_debugging_server_watch_send_loop_${name}_duration_seconds`,
        help,
        exponentialBuckets(0.001, 2, 14),
      )
      .of({});
  const promoted = meter.counter(
    "etcd_server_learner_promote_successes",
    "The total number of successful learner promotions while this member is leader.",
  );
  const notPromoted = meter.counter(
    "etcd_server_learner_promote_failures",
    "The total number of failed learner promotions (likely learner not ready) while this member is leader.",
    ["Reason"],
  );
  return {
    ranges: times.of("range"),
    readonlyTxns: times.of("readonlyTxn"),
    watchStreams: meter
      .standing("etcd_debugging_mvcc_watch_stream_total", "Total number of watch streams.")
      .of({}),
    watchControl: sending(
      "control_stream",
      "The total duration in seconds of running through the send loop control stream response.",
    ),
    watchProgress: sending(
      "progress",
      "The total duration in seconds of running through the progress loop control stream response.",
    ),
    learnerPromoted: () => promoted.inc(),
    learnerNotPromoted: (reason) => notPromoted.inc({ Reason: reason }),
  };
}
