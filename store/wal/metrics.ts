import { exponentialBuckets, type Meter } from "../../base/os/metrics.ts";

export function walMetrics(meter: Meter) {
  return {
    fsyncSeconds: meter.histogram(
      "etcd_disk_wal_fsync_duration_seconds",
      "The latency distributions of fsync called by WAL.",
      { buckets: exponentialBuckets(0.001, 2, 14) },
    ),
    writeSeconds: meter.histogram(
      "etcd_disk_wal_write_duration_seconds",
      "The latency distributions of write called by WAL.",
      { buckets: exponentialBuckets(0.001, 2, 14) },
    ),
    writtenBytes: meter.gauge("etcd_disk_wal_write_bytes_total", "Total number of bytes written in WAL."),
  };
}
export type WalMetrics = ReturnType<typeof walMetrics>;
