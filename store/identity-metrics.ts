import type { Meter } from "../base/os/metrics.ts";
import { clusterVersion, serverVersion } from "./flags.ts";
import type { Identity } from "./open-log.ts";

/** What a member is, as labels of metrics whose value is 1, and its quota. */
export function identityMetrics(
  meter: Meter,
  { memberId }: Identity,
  { quotaBytes }: { readonly quotaBytes: number },
): void {
  const is = (name: string, help: string, label: string, value: string) =>
    meter.gauge(name, help, [label]).set({ [label]: value }, 1);
  is(
    "etcd_server_version",
    "Which version is running. 1 for 'server_version' label with current version.",
    "server_version",
    serverVersion,
  );
  is(
    "etcd_cluster_version",
    "Which version is running. 1 for 'cluster_version' label with current cluster version",
    "cluster_version",
    clusterVersion,
  );
  is(
    "etcd_server_id",
    "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
    "server_id",
    memberId.toString(16),
  );
  meter
    .gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.")
    .set(quotaBytes);
}
