import type {
  CertificateSigningRequest,
  ClusterRole,
  ConfigMap,
  ControllerRevision,
  CronJob,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Job,
  Lease,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  Resource,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
  StatefulSet,
  StorageClass,
} from "./types.ts";

const row = <T>(
  group: string,
  version: string,
  kind: string,
  plural: string,
  namespaced = true,
): Resource<T> => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

/** The built-in kinds that components work with. */
export const resources = {
  namespaces: row<Namespace>("", "v1", "Namespace", "namespaces", false),
  nodes: row<Node>("", "v1", "Node", "nodes", false),
  pods: row<Pod>("", "v1", "Pod", "pods"),
  persistentvolumes: row<PersistentVolume>("", "v1", "PersistentVolume", "persistentvolumes", false),
  services: row<Service>("", "v1", "Service", "services"),
  endpoints: row<Endpoints>("", "v1", "Endpoints", "endpoints"),
  configmaps: row<ConfigMap>("", "v1", "ConfigMap", "configmaps"),
  secrets: row<Secret>("", "v1", "Secret", "secrets"),
  serviceaccounts: row<ServiceAccount>("", "v1", "ServiceAccount", "serviceaccounts"),
  replicationcontrollers: row<ReplicationController>(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
  ),
  certificatesigningrequests: row<CertificateSigningRequest>(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
    false,
  ),
  events: row<Event>("", "v1", "Event", "events"),
  endpointslices: row<EndpointSlice>("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
  replicasets: row<ReplicaSet>("apps", "v1", "ReplicaSet", "replicasets"),
  deployments: row<Deployment>("apps", "v1", "Deployment", "deployments"),
  daemonsets: row<DaemonSet>("apps", "v1", "DaemonSet", "daemonsets"),
  controllerrevisions: row<ControllerRevision>("apps", "v1", "ControllerRevision", "controllerrevisions"),
  statefulsets: row<StatefulSet>("apps", "v1", "StatefulSet", "statefulsets"),
  cronjobs: row<CronJob>("batch", "v1", "CronJob", "cronjobs"),
  poddisruptionbudgets: row<PodDisruptionBudget>(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
  ),
  persistentvolumeclaims: row<PersistentVolumeClaim>(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
  ),
  resourcequotas: row<ResourceQuota>("", "v1", "ResourceQuota", "resourcequotas"),
  jobs: row<Job>("batch", "v1", "Job", "jobs"),
  storageclasses: row<StorageClass>("storage.k8s.io", "v1", "StorageClass", "storageclasses", false),
  leases: row<Lease>("coordination.k8s.io", "v1", "Lease", "leases"),
  clusterroles: row<ClusterRole>("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false),
} as const;

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: Resource<unknown>): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
