import { readFileSync } from "node:fs";
import { type FlagTable, type FlagValues, UsageError } from "../../base/os/flags.ts";
import { defaultElectionTimes, type ElectionTimes, electionTimesProblems } from "../../client/election.ts";
import { type ClusterSigning, clusterSigningConfig, clusterSigningFlags } from "./certificates/flags.ts";
import { concurrentSyncFlags, concurrentSyncs } from "./concurrent-syncs.ts";
import { type EndpointConfig, endpointConfig, endpointFlags } from "./endpoints/flags.ts";
import { type NodeCidrs, nodeCidrsConfig, nodeIpamFlags } from "./nodeipam/flags.ts";
import type { EvictionRates } from "./nodelifecycle/eviction-zones.ts";
import { type AutoscalingConfig, autoscalerFlags, autoscalingConfig } from "./podautoscaler/flags.ts";
import { type Balancing, balancingConfig, loadBalancerFlags } from "./serviceloadbalancer/flags.ts";
import { stateMetricsConfig, stateMetricsFlags } from "./statemetrics/flags.ts";
import type { StateMetricsConfig } from "./statemetrics/state-metrics.ts";

/** kube-controller-manager's names and defaults; those of the load balancer are our own. */
export const controllerManagerFlags = {
  kubeconfig: { kind: "string", value: "FILE", help: "how to reach the API servers, and who we are" },
  "bind-address": {
    kind: "list",
    default: ["127.0.0.1"],
    value: "ADDRESSES",
    help: "where /healthz and /metrics are served",
  },
  "secure-port": {
    kind: "integer",
    value: "PORT",
    help: "port of /healthz and /metrics (plain HTTP); absent: not served; 0: any free one",
  },
  "leader-elect": {
    kind: "boolean",
    default: true,
    help: "work only while holding the lease; needed when several run",
  },
  "leader-elect-lease-duration": {
    kind: "duration",
    default: defaultElectionTimes.leaseDurationMs,
    help: "how long others wait for a silent leader",
  },
  "leader-elect-renew-deadline": {
    kind: "duration",
    default: defaultElectionTimes.renewDeadlineMs,
    help: "how long a leader tries to renew before it gives up",
  },
  "leader-elect-retry-period": {
    kind: "duration",
    default: defaultElectionTimes.retryPeriodMs,
    help: "wait between two attempts to take or renew the lease",
  },
  "leader-elect-resource-name": {
    kind: "string",
    default: "kube-controller-manager",
    value: "NAME",
    help: "name of the lease",
  },
  "leader-elect-resource-namespace": {
    kind: "string",
    default: "kube-system",
    value: "NAMESPACE",
    help: "namespace of the lease",
  },
  ...nodeIpamFlags,
  "cloud-provider": {
    kind: "string",
    default: "",
    value: "NAME",
    help: "external where a cloud controller manager runs beside; there is no cloud in this one",
  },
  "node-monitor-grace-period": {
    kind: "duration",
    default: 50_000,
    help: "a node silent for so long is unreachable",
  },
  "node-startup-grace-period": {
    kind: "duration",
    default: 60_000,
    help: "the same for a node that never said anything",
  },
  "node-eviction-rate": {
    kind: "number",
    default: 0.1,
    value: "PER_SECOND",
    help: "nodes per second whose pods are evicted when the nodes are lost",
  },
  "secondary-node-eviction-rate": {
    kind: "number",
    default: 0.01,
    value: "PER_SECOND",
    help: "the same in a large zone that is unhealthy; in a small one eviction stops",
  },
  "unhealthy-zone-threshold": {
    kind: "number",
    default: 0.55,
    value: "SHARE",
    help: "share of a zone's nodes (three at least) that must be lost for it to be unhealthy",
  },
  "large-cluster-size-threshold": {
    kind: "integer",
    default: 50,
    value: "NODES",
    help: "a zone of more nodes is large",
  },
  "terminated-pod-gc-threshold": {
    kind: "integer",
    default: 12_500,
    value: "COUNT",
    help: "finished pods kept before the oldest are deleted; 0: all are kept",
  },
  "resource-quota-sync-period": {
    kind: "duration",
    default: 300_000,
    help: "how often what is used of each quota is counted anew, whatever happened",
  },
  "service-account-private-key-file": {
    kind: "string",
    value: "FILE",
    help: "private key that service accounts' tokens in secrets are signed with, PEM; absent: they get none",
  },
  "legacy-service-account-token-clean-up-period": {
    kind: "duration",
    default: 365 * 24 * 3_600_000,
    help: "a service account's token in a secret that nobody used for so long is refused, and later deleted",
  },
  "root-ca-file": {
    kind: "string",
    value: "FILE",
    help: "authority published to every namespace as kube-root-ca.crt; absent: the kubeconfig's",
  },
  ...clusterSigningFlags,
  "enable-garbage-collector": {
    kind: "boolean",
    default: true,
    help: "objects whose owners are gone are deleted",
  },
  "namespace-sync-period": {
    kind: "duration",
    default: 300_000,
    help: "how often namespaces that are being deleted are looked at, whatever happened",
  },
  "disable-force-detach-on-timeout": {
    kind: "boolean",
    default: false,
    help: "volumes stay attached to a node that is not ready and does not unmount them; the taint node.kubernetes.io/out-of-service frees them",
  },
  ...endpointFlags,
  ...loadBalancerFlags,
  ...autoscalerFlags,
  ...concurrentSyncFlags,
  ...stateMetricsFlags,
  "log-shipping": {
    kind: "string",
    value: "FILE",
    help: "where the leader ships Events, and which: a file of kind LogShipping",
  },
  controllers: {
    kind: "list",
    default: ["*"],
    value: "NAMES",
    help: "which run: `*` all, `name` that one, `-name` not that one",
  },
} as const satisfies FlagTable;

export interface ControllerManagerConfig {
  readonly kubeconfig: string | undefined;
  /** Reads the files that are named here; UTF-8. Throws where one cannot be read. */
  readonly readText: (path: string) => string;
  /** Where to serve health; undefined: nowhere. */
  readonly health: { readonly addresses: readonly string[]; readonly port: number } | undefined;
  /** Undefined: lead without a lease. */
  readonly election:
    | {
        readonly name: string;
        readonly namespace: string;
        readonly times: ElectionTimes;
        /** Unique among the candidates; absent: of the host's name, the process and chance. */
        readonly identity?: string | undefined;
      }
    | undefined;
  /** Undefined: nodes' ranges are not ours to give. */
  readonly nodeCidrs: NodeCidrs | undefined;
  readonly nodeMonitorGraceMs: number;
  readonly nodeStartupGraceMs: number;
  /** How fast the pods of lost nodes are evicted. */
  readonly eviction: EvictionRates;
  readonly terminatedPodsMost: number;
  /** How often each quota's use is counted anew. */
  readonly quotaSyncPeriodMs: number;
  readonly legacyTokenCleanUpMs: number;
  readonly rootCaFile: string | undefined;
  /** Signs the tokens in secrets; absent: there are none. */
  readonly serviceAccountPrivateKeyFile: string | undefined;
  /** Signs requests for certificates; absent: nobody here does. */
  readonly clusterSigning: ClusterSigning | undefined;
  readonly collectsGarbage: boolean;
  /** How often namespaces that are being deleted are looked at. */
  readonly namespaceSyncPeriodMs: number;
  /** Volumes that a node that is not ready does not unmount are taken from it after a while. */
  readonly forcesDetachOnTimeout: boolean;
  readonly endpoints: EndpointConfig;
  /** Undefined: addresses of Services are not ours to give. */
  readonly balancing: Balancing | undefined;
  readonly autoscaling: AutoscalingConfig;
  /** What /metrics/state tells. */
  readonly stateMetrics: StateMetricsConfig;
  /** Workers by controller, where somebody says how many. */
  readonly workers: ReadonlyMap<string, number>;
  readonly controllers: readonly string[];
  /** Says where Events are shipped; absent: nowhere. */
  readonly logShipping?: string | undefined;
}

/** Throws UsageError that lists every problem. */
export function controllerManagerConfig(
  flags: FlagValues<typeof controllerManagerFlags>,
): ControllerManagerConfig {
  const times: ElectionTimes = {
    leaseDurationMs: flags["leader-elect-lease-duration"],
    renewDeadlineMs: flags["leader-elect-renew-deadline"],
    retryPeriodMs: flags["leader-elect-retry-period"],
  };
  const problems: string[] = [];
  if (flags["leader-elect"])
    problems.push(...electionTimesProblems(times).map((text) => `--leader-elect-…: ${text}`));
  const port = flags["secure-port"];
  if (port !== undefined && (port < 0 || port > 65_535))
    problems.push(`--secure-port: ${port} is not between 0 and 65535`);
  if (!["", "external"].includes(flags["cloud-provider"]))
    problems.push(
      `--cloud-provider: ${JSON.stringify(flags["cloud-provider"])} is neither external nor empty`,
    );
  for (const name of [
    "node-monitor-grace-period",
    "node-startup-grace-period",
    "resource-quota-sync-period",
    "namespace-sync-period",
  ] as const)
    if (flags[name] < 1000) problems.push(`--${name}: ${flags[name]}ms is less than a second`);
  for (const name of ["node-eviction-rate", "secondary-node-eviction-rate"] as const)
    if (flags[name] < 0) problems.push(`--${name}: ${flags[name]} is negative`);
  const share = flags["unhealthy-zone-threshold"];
  if (share < 0 || share > 1) problems.push(`--unhealthy-zone-threshold: ${share} is not between 0 and 1`);
  if (flags["large-cluster-size-threshold"] < 0)
    problems.push(`--large-cluster-size-threshold: ${flags["large-cluster-size-threshold"]} is negative`);
  if (flags["legacy-service-account-token-clean-up-period"] <= 0)
    problems.push("--legacy-service-account-token-clean-up-period: must be greater than zero");
  if (flags["terminated-pod-gc-threshold"] < 0)
    problems.push("--terminated-pod-gc-threshold: must not be negative");
  const nodeCidrs = nodeCidrsConfig(flags, problems);
  const clusterSigning = clusterSigningConfig(flags, problems);
  const endpoints = endpointConfig(flags, problems);
  const balancing = balancingConfig(flags, problems);
  const autoscaling = autoscalingConfig(flags, problems);
  const workers = concurrentSyncs(flags, problems);
  const stateMetrics = stateMetricsConfig(flags, problems);
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return {
    kubeconfig: flags.kubeconfig,
    readText: (path) => readFileSync(path, "utf8"),
    health: port === undefined ? undefined : { addresses: flags["bind-address"], port },
    election: flags["leader-elect"]
      ? {
          name: flags["leader-elect-resource-name"],
          namespace: flags["leader-elect-resource-namespace"],
          times,
        }
      : undefined,
    nodeCidrs,
    nodeMonitorGraceMs: flags["node-monitor-grace-period"],
    nodeStartupGraceMs: flags["node-startup-grace-period"],
    eviction: {
      primaryPerSecond: flags["node-eviction-rate"],
      secondaryPerSecond: flags["secondary-node-eviction-rate"],
      unhealthyShare: share,
      largeZoneNodes: flags["large-cluster-size-threshold"],
    },
    terminatedPodsMost: flags["terminated-pod-gc-threshold"],
    quotaSyncPeriodMs: flags["resource-quota-sync-period"],
    legacyTokenCleanUpMs: flags["legacy-service-account-token-clean-up-period"],
    rootCaFile: flags["root-ca-file"],
    serviceAccountPrivateKeyFile: flags["service-account-private-key-file"],
    clusterSigning,
    collectsGarbage: flags["enable-garbage-collector"],
    namespaceSyncPeriodMs: flags["namespace-sync-period"],
    forcesDetachOnTimeout: !flags["disable-force-detach-on-timeout"],
    endpoints,
    balancing,
    autoscaling,
    stateMetrics,
    workers,
    controllers: flags.controllers,
    logShipping: flags["log-shipping"],
  };
}
