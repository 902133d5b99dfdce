import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";
import type { State } from "./state.ts";

/** etcd's names where the thing is the same. */
export const backendMetrics = (meter: Meter) => ({
  commitSeconds: meter.histogram(
    "etcd_disk_backend_commit_duration_seconds",
    "The latency distributions of commit called by backend.",
    { buckets: exponentialBuckets(0.001, 2, 14) },
  ),
});

export function stateMetrics(meter: Meter, state: State): void {
  const observed = (name: string, help: string, read: () => number) => meter.observed(name, help, read);
  observed(
    "etcd_mvcc_db_total_size_in_bytes",
    "Total size of the underlying database in bytes.",
    () => state.backend.sizeBytes,
  );
  observed(
    "etcd_mvcc_db_total_size_in_use_in_bytes",
    "Total size of the underlying database logically in use in bytes.",
    () => state.reader.sizeInUseBytes,
  );
  observed("etcd_debugging_mvcc_keys_total", "Total number of keys.", () => state.mvcc.index.living);
  observed("etcd_debugging_auth_revision", "The current revision of auth store.", () => state.auth.revision);
  observed(
    "etcd_debugging_mvcc_current_revision",
    "The current revision of store.",
    () => state.mvcc.revision,
  );
  observed(
    "etcd_debugging_mvcc_compact_revision",
    "The revision of the last compaction in store.",
    () => state.mvcc.compactRevision,
  );
  const { counts } = state.mvcc;
  for (const [name, what, read] of [
    ["put", "puts", () => counts.puts],
    ["delete", "deletes", () => counts.deletes],
    ["range", "ranges", () => counts.ranges],
    ["txn", "txns", () => counts.txns],
  ] as const) {
    for (const prefix of ["etcd_mvcc", "etcd_debugging_mvcc"])
      meter.counted(`${prefix}_${name}_total`, `Total number of ${what} seen by this member.`, read);
  }
  meter.counted(
    "etcd_debugging_mvcc_events_total",
    "Total number of events sent by this member.",
    () => state.hub.eventsSent,
  );
  observed("etcd_debugging_mvcc_watcher_total", "Total number of watchers.", () => state.hub.watchers);
  observed(
    "etcd_debugging_mvcc_slow_watcher_total",
    "Total number of unsynced slow watchers.",
    () => state.hub.slowWatchers,
  );
  observed(
    "pintle_backend_pending_bytes",
    "Bytes applied that are not on disk yet.",
    () => state.backend.pendingBytes,
  );
  observed(
    "pintle_watch_recent_bytes",
    "Bytes of recent events kept for watches that are a little behind.",
    () => state.hub.recentBytes,
  );
  observed(
    "etcd_debugging_mvcc_pending_events_total",
    "Total number of pending events to be sent.",
    () => state.hub.pendingEvents,
  );
  observed(
    "etcd_debugging_mvcc_total_put_size_in_bytes",
    "The total size of put kv pairs seen by this member.",
    () => counts.putBytes,
  );
  observed(
    "etcd_mvcc_db_open_read_transactions",
    "The number of currently open read transactions",
    () => state.mvcc.readsUnderWay,
  );
  meter.observedBy(
    "etcd_debugging_server_alarms",
    "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for 'alarm_type' label with type of this alarm",
    ["server_id", "alarm_type"],
    () =>
      state.alarms
        .list()
        .map(({ memberId, alarm }) => [{ alarm_type: String(alarm), server_id: memberId.toString(16) }, 1]),
  );
  observed("pintle_lease_count", "Leases that exist.", () => state.lessor.size);
}
