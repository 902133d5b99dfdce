/** A Kubernetes-compatible cluster inside your own process.
 *
 *  @packageDocumentation */

export type {
  ContainerRun,
  ExecAnswer,
  ExitScript,
  PodBehaviour,
  ProbeOutcome,
  ProbeScript,
  PullScript,
} from "../agent/simulate/pod-behaviour.ts";
export type { Duration } from "../base/duration.ts";
export { TimeoutError } from "../base/os/within.ts";
export { ApiError, ConnectionError } from "../client/api-error.ts";
export type { Kind } from "../client/kube/define-kind.ts";
export type { KubeClient } from "../client/kube/kube-client.ts";
export type { AnyManifest } from "../client/kube/manifest.ts";
export { isReady } from "../client/rules/readiness.ts";
export type { Event, KubeObject, Pod, Taint } from "../client/types.ts";
export type { ClientOptions, Cluster, Kubeconfig, NodeTroubles } from "../cluster/cluster.ts";
export type { ClusterClock } from "../cluster/cluster-clock.ts";
export type { ClusterEvents, EventFilter } from "../cluster/events.ts";
export type { Fault, FaultScope, Faults, PlacedFault } from "../cluster/faults.ts";
export type { Manifests } from "../cluster/manifests.ts";
export type { NodeOptions } from "../cluster/node-options.ts";
export type { RecordedRequest, RequestField, Requests } from "../cluster/requests.ts";
export type { Snapshot } from "../cluster/snapshot.ts";
export { type ClusterOptions, startCluster } from "../cluster/start-cluster.ts";
export type { UntilOptions } from "../cluster/until.ts";
export type {
  AdmissionRequest,
  JsonPatchOperation,
  Mutation,
  Verdict,
  Webhook,
  WebhookOptions,
  WebhookRule,
} from "../cluster/webhooks/admission-webhook.ts";
export type { ConvertObject } from "../cluster/webhooks/conversion.ts";
export type { AnswerReview } from "../cluster/webhooks/hook-table.ts";
