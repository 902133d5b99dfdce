import type { Resource } from "./types.ts";

const row = (group: string, version: string, kind: string, plural: string, namespaced = true): Resource => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

/** The built-in kinds that components work with. */
export const resources = {
  namespaces: row("", "v1", "Namespace", "namespaces", false),
  nodes: row("", "v1", "Node", "nodes", false),
  pods: row("", "v1", "Pod", "pods"),
  services: row("", "v1", "Service", "services"),
  endpoints: row("", "v1", "Endpoints", "endpoints"),
  configmaps: row("", "v1", "ConfigMap", "configmaps"),
  secrets: row("", "v1", "Secret", "secrets"),
  serviceaccounts: row("", "v1", "ServiceAccount", "serviceaccounts"),
  replicationcontrollers: row("", "v1", "ReplicationController", "replicationcontrollers"),
  events: row("", "v1", "Event", "events"),
  endpointslices: row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
  replicasets: row("apps", "v1", "ReplicaSet", "replicasets"),
  deployments: row("apps", "v1", "Deployment", "deployments"),
  daemonsets: row("apps", "v1", "DaemonSet", "daemonsets"),
  controllerrevisions: row("apps", "v1", "ControllerRevision", "controllerrevisions"),
  jobs: row("batch", "v1", "Job", "jobs"),
  leases: row("coordination.k8s.io", "v1", "Lease", "leases"),
} as const satisfies Record<string, Resource>;
