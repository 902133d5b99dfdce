/** What Kubernetes calls its controllers beside the name that `--controllers` knows: in metrics of work queues, as the source of
 *  events, and by names of before release 1.27. */
interface KubernetesNames {
  readonly queue?: string;
  readonly events?: string;
  readonly alias?: string;
}

const names: Readonly<Record<string, KubernetesNames>> = {
  "bootstrap-signer-controller": { queue: "bootstrap_signer_queue", alias: "bootstrapsigner" },
  "certificatesigningrequest-approving-controller": { queue: "certificate", alias: "csrapproving" },
  "certificatesigningrequest-cleaner-controller": { alias: "csrcleaner" },
  "certificatesigningrequest-signing-controller": { queue: "certificate", alias: "csrsigning" },
  "clusterrole-aggregation-controller": { queue: "ClusterRoleAggregator" },
  "cronjob-controller": { queue: "cronjob" },
  "daemonset-controller": { queue: "daemonset" },
  "deployment-controller": { queue: "deployment" },
  "disruption-controller": { queue: "disruption", events: "controllermanager" },
  "endpoints-controller": { queue: "endpoint", events: "endpoint-controller", alias: "endpoint" },
  "endpointslice-controller": { queue: "endpoint_slice", events: "endpoint-slice-controller" },
  "endpointslice-mirroring-controller": {
    queue: "endpoint_slice_mirroring",
    events: "endpoint-slice-mirroring-controller",
    alias: "endpointslicemirroring",
  },
  "ephemeral-volume-controller": { queue: "ephemeral_volume", events: "ephemeral_volume" },
  "garbage-collector-controller": {
    queue: "garbage_collector_attempt_to_delete",
    alias: "garbagecollector",
  },
  "horizontal-pod-autoscaler-controller": {
    queue: "horizontalpodautoscaler",
    events: "horizontal-pod-autoscaler",
    alias: "horizontalpodautoscaling",
  },
  "job-controller": { queue: "job" },
  "legacy-serviceaccount-token-cleaner-controller": { alias: "legacy-service-account-token-cleaner" },
  "namespace-controller": { queue: "namespace" },
  "node-ipam-controller": { queue: "cidrallocator_node", events: "cidrAllocator", alias: "nodeipam" },
  "node-lifecycle-controller": {
    queue: "node_lifecycle_controller",
    events: "node-controller",
    alias: "nodelifecycle",
  },
  "persistentvolume-attach-detach-controller": {
    queue: "pvcs",
    events: "attachdetach-controller",
    alias: "attachdetach",
  },
  "persistentvolume-binder-controller": { queue: "claims", events: "persistentvolume-controller" },
  "persistentvolume-expander-controller": { queue: "volume_expand", events: "volume_expand" },
  "persistentvolume-protection-controller": { queue: "pvprotection", alias: "pv-protection" },
  "persistentvolumeclaim-protection-controller": { queue: "pvcprotection", alias: "pvc-protection" },
  "pod-garbage-collector-controller": { queue: "orphaned_pods_nodes", alias: "podgc" },
  "replicaset-controller": { queue: "replicaset" },
  "replicationcontroller-controller": { queue: "replicationmanager", events: "replication-controller" },
  "resourceclaim-controller": {
    queue: "resource_claim",
    events: "resource_claim",
    alias: "resource-claim-controller",
  },
  "resourcequota-controller": { queue: "resourcequota_primary" },
  "root-ca-certificate-publisher-controller": {
    queue: "root_ca_cert_publisher",
    alias: "root-ca-cert-publisher",
  },
  "service-cidr-controller": { queue: "ipaddresses" },
  "service-lb-controller": { queue: "service", events: "service-controller", alias: "service" },
  "serviceaccount-controller": { queue: "serviceaccount" },
  "serviceaccount-token-controller": { queue: "serviceaccount_tokens_service" },
  "statefulset-controller": { queue: "statefulset" },
  "taint-eviction-controller": { queue: "noexec_taint_node" },
  "token-cleaner-controller": { queue: "token_cleaner", alias: "tokencleaner" },
  "ttl-after-finished-controller": { queue: "ttl_jobs_to_delete" },
  "ttl-controller": { queue: "ttlcontroller" },
  "volumeattributesclass-protection-controller": { queue: "vacprotection" },
};

/** Controllers that Kubernetes 1.36 knows and ours does not run, by all their names. Naming one is no mistake. */
export const absentControllers: readonly string[] = [
  // The API servers check the types of policies themselves.
  "validatingadmissionpolicy-status-controller",
  "validatingadmissionpolicy-status",
  // All others are off in Kubernetes.
  "storageversion-garbage-collector-controller",
  "storage-version-gc",
  "storage-version-migrator-controller",
  "svm",
  "selinux-warning-controller",
  "podcertificaterequest-cleaner-controller",
  "kube-apiserver-serving-clustertrustbundle-publisher-controller",
  "podgroup-protection-controller",
  "resourcepoolstatusrequest-controller",
];

/** Controllers of a cloud: known by name, and a cloud controller manager's alone, as in Kubernetes. */
const cloudControllers: Readonly<Record<string, string>> = {
  "cloud-node-lifecycle-controller": "cloud-node-lifecycle",
  "node-route-controller": "route",
};

/** Whether the word means a controller that runs elsewhere or nowhere. */
export const isElsewhere = (word: string): boolean =>
  Object.entries(cloudControllers).some(([name, alias]) => word === name || word === alias) ||
  absentControllers.includes(word);

/** As its work queue stands in metrics. */
export const queueName = (controller: string): string => names[controller]?.queue ?? controller;

/** As it stands in events that it records. */
export const eventSource = (controller: string): string => names[controller]?.events ?? controller;

/** Whether `--controllers` means it by this word. */
export function isNameOf(word: string, controller: string): boolean {
  const short = controller.replace(/-controller$/, "");
  return word === controller || word === short || word === names[controller]?.alias;
}
