import type { FlagTable, FlagValues } from "../../base/os/flags.ts";

const row = (what: string) =>
  ({ kind: "integer", value: "COUNT", help: `how many ${what} are worked on at once` }) as const;

/** kube-controller-manager's names. Absent: as many as the controller's row in the table says. */
export const concurrentSyncFlags = {
  "concurrent-cron-job-syncs": row("cron jobs"),
  "concurrent-daemonset-syncs": row("daemon sets"),
  "concurrent-deployment-syncs": row("deployments"),
  "concurrent-endpoint-syncs": row("services' endpoints"),
  "concurrent-ephemeralvolume-syncs": row("pods with volumes of their own"),
  "concurrent-gc-syncs": row("objects whose owners may be gone"),
  "concurrent-horizontal-pod-autoscaler-syncs": row("autoscalers"),
  "concurrent-job-syncs": row("jobs"),
  "concurrent-namespace-syncs": row("namespaces"),
  "concurrent-rc-syncs": row("replication controllers"),
  "concurrent-replicaset-syncs": row("replica sets"),
  "concurrent-resourceclaim-syncs": row("resource claims"),
  "concurrent-resource-quota-syncs": row("quotas"),
  "concurrent-service-endpoint-syncs": row("services' endpoint slices"),
  "concurrent-serviceaccount-token-syncs": row("service accounts' token secrets"),
  "concurrent-statefulset-syncs": row("stateful sets"),
  "concurrent-ttl-after-finished-syncs": row("finished jobs"),
  "mirroring-concurrent-service-endpoint-syncs": row("mirrored endpoints"),
} as const satisfies FlagTable;

const controllerOf: Readonly<Record<keyof typeof concurrentSyncFlags, string>> = {
  "concurrent-cron-job-syncs": "cronjob-controller",
  "concurrent-daemonset-syncs": "daemonset-controller",
  "concurrent-deployment-syncs": "deployment-controller",
  "concurrent-endpoint-syncs": "endpoints-controller",
  "concurrent-ephemeralvolume-syncs": "ephemeral-volume-controller",
  "concurrent-gc-syncs": "garbage-collector-controller",
  "concurrent-horizontal-pod-autoscaler-syncs": "horizontal-pod-autoscaler-controller",
  "concurrent-job-syncs": "job-controller",
  "concurrent-namespace-syncs": "namespace-controller",
  "concurrent-rc-syncs": "replicationcontroller-controller",
  "concurrent-replicaset-syncs": "replicaset-controller",
  "concurrent-resourceclaim-syncs": "resourceclaim-controller",
  "concurrent-resource-quota-syncs": "resourcequota-controller",
  "concurrent-service-endpoint-syncs": "endpointslice-controller",
  "concurrent-serviceaccount-token-syncs": "serviceaccount-token-controller",
  "concurrent-statefulset-syncs": "statefulset-controller",
  "concurrent-ttl-after-finished-syncs": "ttl-after-finished-controller",
  "mirroring-concurrent-service-endpoint-syncs": "endpointslice-mirroring-controller",
};

/** Workers by controller, where somebody says how many. */
export function concurrentSyncs(
  flags: FlagValues<typeof concurrentSyncFlags>,
  problems: string[],
): ReadonlyMap<string, number> {
  const workers = new Map<string, number>();
  for (const [name, controller] of Object.entries(controllerOf)) {
    const count = flags[name as keyof typeof concurrentSyncFlags];
    if (count === undefined) continue;
    if (count < 1) problems.push(`--${name}: must be greater than 0, but got ${count}`);
    workers.set(controller, count);
  }
  return workers;
}
