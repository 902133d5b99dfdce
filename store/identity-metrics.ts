import type { Meter } from "../base/os/metrics.ts";
import { openFiles, openFilesMax } from "../base/os/open-files.ts";
import { type StoreConfig, serverVersion } from "./flags.ts";
import { shortVersion } from "./membership/cluster-version.ts";
import type { MemberId } from "./raft/types.ts";
import type { MemberBook } from "./rpc/member.ts";

/** etcd's feature gates, and whether what each is about is so here where nobody asks for it. */
const features: Readonly<Record<string, { readonly stage: "ALPHA" | "BETA"; readonly isOn?: boolean }>> = {
  AllAlpha: { stage: "ALPHA" },
  AllBeta: { stage: "BETA" },
  CompactHashCheck: { stage: "ALPHA" },
  FastLeaseKeepAlive: { stage: "BETA", isOn: true },
  InitialCorruptCheck: { stage: "ALPHA" },
  LeaseCheckpoint: { stage: "ALPHA" },
  LeaseCheckpointPersist: { stage: "ALPHA" },
  PriorityRequest: { stage: "ALPHA" },
  SetMemberLocalAddr: { stage: "ALPHA" },
  StopGRPCServiceOnDefrag: { stage: "ALPHA" },
  TxnModeWriteWithSharedBuffer: { stage: "BETA" },
};

/** What a member is, as labels of metrics whose value is 1; its quota, its features, and its process' open files. */
export function identityMetrics(
  meter: Meter,
  {
    memberId,
    members,
  }: { readonly memberId: MemberId; readonly members: Pick<MemberBook, "clusterVersion"> },
  { quotaBytes, featureGates }: Pick<StoreConfig, "quotaBytes" | "featureGates">,
): void {
  const is = (name: string, help: string, label: string, value: string) =>
    meter.gauge(name, help, [label]).set({ [label]: value }, 1);
  is(
    "etcd_server_version",
    "Which version is running. 1 for 'server_version' label with current version.",
    "server_version",
    serverVersion,
  );
  meter.observedBy(
    "etcd_cluster_version",
    "Which version is running. 1 for 'cluster_version' label with current cluster version",
    ["cluster_version"],
    () => {
      const cluster_version = shortVersion(members.clusterVersion);
      return cluster_version === "" ? [] : [[{ cluster_version }, 1]];
    },
  );
  is(
    "etcd_server_id",
    "Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.",
    "server_id",
    memberId.toString(16),
  );
  is(
    "etcd_server_go_version",
    "Which Go version server is running with. 1 for 'server_go_version' label with current version.",
    "server_go_version",
    `no Go: Node.js ${process.version}`,
  );
  const feature = meter.gauge(
    "etcd_server_feature_enabled",
    "Whether or not a feature is enabled. 1 is enabled, 0 is not.",
    ["name", "stage"],
  );
  for (const [name, { stage, isOn = false }] of Object.entries(features))
    feature.set({ name, stage }, (featureGates.get(name) ?? isOn) ? 1 : 0);
  meter
    .gauge("etcd_server_quota_backend_bytes", "Current backend storage quota size in bytes.")
    .set(quotaBytes);
  meter.observed("os_fd_used", "The number of used file descriptors.", openFiles);
  meter.observed("os_fd_limit", "The file descriptor limit.", openFilesMax);
}
