import type {
  ConfigMap,
  ControllerRevision,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  Event,
  Job,
  Lease,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  ReplicationController,
  Resource,
  Secret,
  Service,
  ServiceAccount,
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
  events: row<Event>("", "v1", "Event", "events"),
  endpointslices: row<EndpointSlice>("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
  replicasets: row<ReplicaSet>("apps", "v1", "ReplicaSet", "replicasets"),
  deployments: row<Deployment>("apps", "v1", "Deployment", "deployments"),
  daemonsets: row<DaemonSet>("apps", "v1", "DaemonSet", "daemonsets"),
  controllerrevisions: row<ControllerRevision>("apps", "v1", "ControllerRevision", "controllerrevisions"),
  jobs: row<Job>("batch", "v1", "Job", "jobs"),
  leases: row<Lease>("coordination.k8s.io", "v1", "Lease", "leases"),
} as const;

/** `v1` or `apps/v1`. */
export function apiVersionOf(resource: Resource<unknown>): string {
  return resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
}
