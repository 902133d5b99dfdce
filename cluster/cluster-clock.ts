import type { Duration } from "../base/duration.ts";
import type { Clock } from "../base/os/clock.ts";

/** The time of a cluster: everything in it waits, measures and stamps by this one clock, which a test can move. What a test makes
 *  itself, such as an operator's client, may be given it, too. */
export interface ClusterClock extends Clock {
  /** What it shows. */
  now(): Date;
  /** Timers that wait. */
  readonly pending: number;
  /** Moves time on: whatever becomes due happens in its order, and what follows from it is done before the next. Resolves when
   *  nothing is left to do at the new time. One move ends before the next begins. Rejects with TypeError where the cluster began
   *  with a real node: its processes live in the machine's time. */
  advance(by: Duration): Promise<void>;
}
