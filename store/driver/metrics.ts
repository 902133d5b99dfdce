import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { RawNode } from "../raft/node.ts";

export function driverMetrics(meter: Meter, raft: RawNode) {
  const observed = (name: string, help: string, read: () => number) => meter.observed(name, help, read);
  observed("etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", () =>
    raft.leader === 0n ? 0 : 1,
  );
  observed("etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.", () =>
    raft.role === "leader" ? 1 : 0,
  );
  observed("etcd_server_is_learner", "Whether or not this member is a learner. 1 if is, 0 otherwise.", () =>
    raft.conf.learners.includes(raft.id) ? 1 : 0,
  );
  observed(
    "etcd_server_proposals_committed_total",
    "The total number of consensus proposals committed.",
    () => raft.committed,
  );
  observed(
    "etcd_server_proposals_applied_total",
    "The total number of consensus proposals applied.",
    () => raft.appliedIndex,
  );
  observed(
    "pintle_raft_log_bytes",
    "Payload of the log entries that are kept in memory for followers.",
    () => raft.logBytes,
  );
  const seconds = exponentialBuckets(0.001, 2, 14);
  return {
    snapshotInstalling: meter.gauge(
      "etcd_server_snapshot_apply_in_progress_total",
      "1 if the server is applying the incoming snapshot. 0 if none.",
    ),
    /** From the flush of the state until the log is marked with how far it got. */
    snapshotSaveSeconds: meter.histogram(
      "etcd_debugging_snap_save_total_duration_seconds",
      "The total latency distributions of save called by snapshot.",
      { buckets: seconds },
    ),
    /** The mark alone, which is synced. */
    snapshotSyncSeconds: meter.histogram(
      "etcd_snap_fsync_duration_seconds",
      "The latency distributions of fsync called by snap.",
      { buckets: seconds },
    ),
    /** Told of by every tick. */
    eventLoopDelay: meter.histogram(
      "pintle_store_event_loop_delay_seconds",
      "How much later than due a heartbeat's timer ran: what every other event waits for, too.",
      { buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] },
    ),
    leaderChanges: meter.counter(
      "etcd_server_leader_changes_seen_total",
      "The number of leader changes seen.",
    ),
    heartbeatFailures: meter.counter(
      "etcd_server_heartbeat_send_failures_total",
      "The total number of leader heartbeat send failures (likely overloaded from slow disk).",
    ),
  };
}
export type DriverMetrics = ReturnType<typeof driverMetrics>;
