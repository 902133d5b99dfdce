import type { Tracer } from "../tracing/tracer.ts";
import type { Clock } from "./clock.ts";
import type { Disk } from "./disk.ts";
import type { Log } from "./log.ts";
import type { MetricsRegistry } from "./metrics.ts";
import type { Random } from "./random.ts";

/** Every door to the outside that a component is handed. */
export interface Os {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly log: Log;
  readonly metrics: MetricsRegistry;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/** A started component. */
export interface Running {
  /** Resolves when it was stopped; rejects when it failed. */
  readonly done: Promise<void>;
  /** Stops it and waits until nothing of it runs. Idempotent.
   *  @param signal By which its process was asked to end, such as `SIGTERM`. */
  stop(signal?: string): Promise<void>;
}
