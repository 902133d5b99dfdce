import { exponentialBuckets, type Meter } from "../base/os/metrics.ts";
import type { Buckets, TallyFamily } from "../base/os/tally.ts";
import type { InternalRaftRequest } from "../proto/etcd.ts";

/** The kinds of requests whose times are told: what enters the log, and what is read without it. */
export type TimedRequest = Exclude<keyof InternalRaftRequest, "header"> | "readonlyTxn";

/** etcd's name of a kind in its metrics: `leaseGrant` is `LeaseGrant`. */
export const operationName = (kind: TimedRequest): string => `${kind[0]?.toUpperCase()}${kind.slice(1)}`;

/** The times of one kind of operations, by success. */
export class TimesByOutcome {
  readonly succeeded: Buckets;
  readonly #of: (success: "true" | "false") => Buckets;
  #failed: Buckets | undefined;

  /** `of` finds them by the value of the label `success`; it is asked once for each. */
  constructor(of: (success: "true" | "false") => Buckets) {
    this.#of = of;
    this.succeeded = of("true");
  }

  get failed(): Buckets {
    this.#failed ??= this.#of("false");
    return this.#failed;
  }
}

/** How long requests took from where they came in until their outcome was known. */
export class RequestTimes {
  readonly #family: TallyFamily<"type" | "success", Buckets>;
  readonly #byKind = new Map<TimedRequest, TimesByOutcome>();

  constructor(meter: Meter) {
    this.#family = meter.buckets(
      "etcd_server_request_duration_seconds",
      "Response latency distribution in seconds for each type.",
      exponentialBuckets(0.001, 2, 14),
    );
  }

  /** Keep it where the counting is done. */
  of(kind: TimedRequest): TimesByOutcome {
    let times = this.#byKind.get(kind);
    if (times === undefined) {
      const type = operationName(kind);
      times = new TimesByOutcome((success) => this.#family.of({ type, success }));
      this.#byKind.set(kind, times);
    }
    return times;
  }
}
