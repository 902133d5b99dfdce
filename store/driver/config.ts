import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Random } from "../../base/os/random.ts";
import type { RaftLimits } from "../raft/config.ts";
import type { RaftFaults } from "../raft/faults.ts";
import type { ConfState, Entry, HardState, MemberId, SnapshotMeta } from "../raft/types.ts";
import type { DriverFaults } from "./faults.ts";
import type { DurableLog, PeerLinks, StateMachine } from "./seams.ts";

export const driverLimits = {
  /** Applied entries kept in memory for followers that lag (etcd's DefaultSnapshotCatchUpEntries). */
  catchUpEntries: 5_000,
  /** Payload of the log in memory beyond which it is shortened even if followers then need a snapshot; up to it the log is
   *  kept for those that are sent a snapshot or catch up. */
  logBytesMax: 512 * 1024 * 1024,
  /** How fast the state is sent to a follower while more entries than these are written (see `bench/rejoin`). */
  snapshotPace: { bytesPerSecond: 20 * 1024 * 1024, workPerSecond: 100 },
  /** Readys worked off before sockets are served again. */
  readysPerTurn: 8,
} as const;

export interface DriverConfig {
  readonly id: MemberId;
  /** --heartbeat-interval; a tick. */
  readonly heartbeatMs: number;
  /** --election-timeout. */
  readonly electionMs: number;
  /** --snapshot-count: applied entries after which the log is shortened. */
  readonly snapshotCount: number;
  /** What `Wal.open` recovered. */
  readonly recovered: {
    readonly hardState: HardState;
    readonly snapshot: SnapshotMeta;
    readonly entries: readonly Entry[];
  };
  /** The configuration as of `machine.appliedIndex`; empty in a cluster whose first changes are not applied yet. */
  readonly conf: ConfState;
  readonly limits?: RaftLimits;
  /** In place of `driverLimits.catchUpEntries`. */
  readonly catchUpEntries?: number;
  /** In place of `driverLimits.logBytesMax`. */
  readonly logBytesMax?: number;
}

/** The election timeout in ticks. */
export const electionTicks = ({
  electionMs,
  heartbeatMs,
}: Pick<DriverConfig, "electionMs" | "heartbeatMs">): number =>
  Math.max(2, Math.ceil(electionMs / heartbeatMs));

export interface DriverParts {
  readonly log: DurableLog;
  readonly peers: PeerLinks;
  readonly machine: StateMachine;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Log;
  readonly metrics: Meter;
  /** Runs `run` after everything that is ready to be read was read: what came in one turn is one batch. `setImmediate`
   *  unless simulation hands in its own. */
  readonly defer?: (run: () => void) => void;
  /** Bugs planted by simulation. */
  readonly faults?: DriverFaults & { readonly raft?: RaftFaults };
}
