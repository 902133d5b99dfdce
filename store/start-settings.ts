import { goDurationText } from "../base/go-duration-text.ts";
import { type StoreConfig, serverVersion } from "./flags.ts";

/** What a member is started with, by the names that etcd gives it in the first line of its log. */
export function startSettings(config: StoreConfig) {
  return { ...place(config), ...cluster(config), ...limits(config), ...upkeep(config) };
}

const place = (config: StoreConfig) => ({
  "etcd-version": serverVersion,
  "node-version": process.version,
  name: config.name,
  "data-dir": config.dataDir,
  "wal-dir": config.walDir ?? "",
  "initial-advertise-peer-urls": config.initialAdvertisePeerUrls,
  "listen-peer-urls": config.listenPeer.map(({ url }) => url),
  "advertise-client-urls": config.advertiseClientUrls,
  "listen-client-urls": config.listenClient.map(({ url }) => url),
  "listen-metrics-urls": config.listenMetrics.map(({ url }) => url),
  "local-address": config.localAddress ?? "",
  cors: config.corsOrigins,
  "host-whitelist": config.hostWhitelist,
});

const cluster = (config: StoreConfig) => ({
  "force-new-cluster": config.forceNewCluster,
  "heartbeat-interval": goDurationText(config.heartbeatMs),
  "election-timeout": goDurationText(config.electionMs),
  "initial-cluster": clusterText(config.initialCluster),
  "initial-cluster-state": config.initialClusterState,
  "initial-cluster-token": config.initialClusterToken,
  "max-learners": config.maxLearners,
});

const limits = (config: StoreConfig) => ({
  "snapshot-count": config.snapshotCount,
  "snapshot-catchup-entries": config.catchUpEntries,
  "quota-backend-bytes": config.quotaBytes,
  "max-request-bytes": config.maxRequestBytes,
  "max-concurrent-streams": config.maxStreams,
});

const upkeep = ({ autoCompaction, featureGates, corruptionChecks, ...config }: StoreConfig) => ({
  "feature-gates": [...featureGates].map(([gate, isOn]) => `${gate}=${isOn}`).join(","),
  "initial-corrupt-check": corruptionChecks.initial,
  "corrupt-check-time-interval": goDurationText(corruptionChecks.everyMs),
  "compact-check-time-interval": goDurationText(corruptionChecks.compactionsEveryMs),
  "auto-compaction-mode": autoCompaction?.mode ?? "",
  "auto-compaction-retention":
    autoCompaction?.mode === "revision"
      ? `${autoCompaction.revisions}`
      : goDurationText(autoCompaction?.periodMs ?? 0),
  "downgrade-check-interval": goDurationText(config.downgradeCheckMs),
  // The only level that etcd has left, whatever it is asked for; there is no v2 API here.
  "v2-deprecation": "write-only",
});

const clusterText = (members: StoreConfig["initialCluster"]) =>
  [...members].flatMap(([name, urls]) => urls.map((url) => `${name}=${url}`)).join(",");
