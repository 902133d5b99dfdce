/** A Kubernetes-compatible cluster inside your own process.
 *
 *  @packageDocumentation */

export { ApiError, ConnectionError } from "../client/api-error.ts";
export type { Cluster, Kubeconfig, NodeTroubles } from "../cluster/cluster.ts";
export type { ClusterClient, Manifest } from "../cluster/cluster-client.ts";
export type { ClusterClock } from "../cluster/cluster-clock.ts";
export type { Duration } from "../cluster/duration.ts";
export type { ClusterEvents, EventFilter } from "../cluster/events.ts";
export type { Fault, FaultScope, Faults, PlacedFault } from "../cluster/faults.ts";
export type { Manifests } from "../cluster/manifests.ts";
export type { NodeOptions } from "../cluster/node-options.ts";
export { isReady } from "../cluster/readiness.ts";
export type { RecordedRequest, RequestField, Requests } from "../cluster/requests.ts";
export type { Snapshot } from "../cluster/snapshot.ts";
export { type ClusterOptions, startCluster } from "../cluster/start-cluster.ts";
export { TimeoutError, type UntilOptions } from "../cluster/until.ts";
