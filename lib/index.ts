/** A Kubernetes-compatible cluster inside your own process.
 *
 *  @packageDocumentation */

export { ApiError, ConnectionError } from "../client/api-error.ts";
export { Cluster, type Kubeconfig } from "../cluster/cluster.ts";
export { ClusterClient, type Manifest } from "../cluster/cluster-client.ts";
export { ClusterClock } from "../cluster/cluster-clock.ts";
export type { Duration } from "../cluster/duration.ts";
export { type Fault, type FaultScope, Faults, type PlacedFault } from "../cluster/faults.ts";
export { isReady } from "../cluster/readiness.ts";
export { type RecordedRequest, RequestRecord } from "../cluster/requests.ts";
export { Snapshot } from "../cluster/snapshot.ts";
export { type ClusterOptions, startCluster } from "../cluster/start-cluster.ts";
export { TimeoutError, type UntilOptions } from "../cluster/until.ts";
