import { exponentialBuckets, type Meter } from "../base/os/metrics.ts";

const noTree = "no tree of pages is kept, so nothing is";
const noV2 = "there is no v2 store";
const noProxy = "a member is no gRPC proxy";

interface Still {
  readonly type: "counter" | "gauge" | "histogram";
  /** Why it stays at nothing. */
  readonly why: string;
  /** Those with labels have no values at all. */
  readonly labels?: readonly string[];
}

const debugging = {
  disk_backend_commit_rebalance_duration_seconds: { type: "histogram", why: `${noTree} balanced` },
  disk_backend_commit_spill_duration_seconds: { type: "histogram", why: `${noTree} split` },
  disk_backend_commit_write_duration_seconds: {
    type: "histogram",
    why: "etcd_disk_backend_commit_duration_seconds has it, since writing is all that a commit is",
  },
  snap_save_marshalling_duration_seconds: {
    type: "histogram",
    why: "a snapshot of the log is a mark in it, and nothing is marshalled",
  },
  store_expires_total: { type: "counter", why: noV2 },
  store_reads_failed_total: { type: "counter", why: noV2, labels: ["action"] },
  store_reads_total: { type: "counter", why: noV2, labels: ["action"] },
  store_watch_requests_total: { type: "counter", why: noV2 },
  store_watchers: { type: "gauge", why: noV2 },
  store_writes_failed_total: { type: "counter", why: noV2, labels: ["action"] },
  store_writes_total: { type: "counter", why: noV2, labels: ["action"] },
} as const satisfies Readonly<Record<string, Still>>;

const proxy = {
  cache_hits_total: { type: "gauge", why: noProxy },
  cache_keys_total: { type: "gauge", why: noProxy },
  cache_misses_total: { type: "gauge", why: noProxy },
  events_coalescing_total: { type: "counter", why: noProxy },
  watchers_coalescing_total: { type: "gauge", why: noProxy },
} as const satisfies Readonly<Record<string, Still>>;

const named = (prefix: string, rows: Readonly<Record<string, Still>>): (readonly [string, Still])[] =>
  Object.entries(rows).map(([name, row]) => [`${prefix}_${name}`, row]);

/** etcd's metrics of what a member has not, with the reason as their help: what asks for them finds nothing, which is true. */
export function stillMetrics(meter: Meter): void {
  for (const [name, { type, why, labels = [] }] of [
    ...named("etcd_debugging", debugging),
    ...named("etcd_grpc_proxy", proxy),
  ]) {
    const help = `Always nothing: ${why}.`;
    if (type === "histogram") meter.histogram(name, help, { buckets: exponentialBuckets(0.001, 2, 14) });
    else meter[type](name, help, labels);
  }
}
