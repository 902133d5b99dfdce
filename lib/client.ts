/** The Kubernetes client: for any cluster.
 *
 *  @packageDocumentation */

export type { BackoffOptions } from "../base/backoff.ts";
export type { Clock } from "../base/os/clock.ts";
export type { Fields, FieldsOrMaker, Level as LogLevel, Log } from "../base/os/log.ts";
export type { Random } from "../base/os/random.ts";
export { TimeoutError } from "../base/os/within.ts";
export type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
  WatchOptions,
  WriteOptions,
} from "../client/api.ts";
export {
  ApiError,
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
} from "../client/api-error.ts";
export { defaultElectionTimes, type ElectionTimes } from "../client/election.ts";
export type { EventInput, EventSubject } from "../client/events.ts";
export type { ExecOptions, ExecSession } from "../client/exec.ts";
export type { ExecPlugin } from "../client/exec-plugin.ts";
export { CredentialError } from "../client/exec-plugin.ts";
export type { HeldLease } from "../client/held-lease.ts";
export { Informer } from "../client/informer.ts";
export { type ConnectOptions, connectCluster } from "../client/kube/connect.ts";
export type { KindDefinition } from "../client/kube/define-kind.ts";
export { type CustomObject, defineKind, type Kind, type ObjectOf } from "../client/kube/define-kind.ts";
export { Events } from "../client/kube/events.ts";
export { Informers } from "../client/kube/informers.ts";
export { UnknownKindError } from "../client/kube/kind-finder.ts";
export { kinds } from "../client/kube/kinds.ts";
export type { EditResult, KubeClientOptions } from "../client/kube/kube-client.ts";
export { type ApplyOptions, KubeClient } from "../client/kube/kube-client.ts";
export { type LeaderElectionOptions, runAsLeader } from "../client/kube/leadership.ts";
export type { LogLine } from "../client/kube/log-lines.ts";
export type { Answered, AnyManifest, Manifest } from "../client/kube/manifest.ts";
export { type Count, Metrics } from "../client/kube/metrics.ts";
export type { Subresource } from "../client/kube/subresource.ts";
export type { UntilOptions } from "../client/kube/until.ts";
export type { ObjectEvent, WatchObjectsOptions } from "../client/kube/watch-objects.ts";
export { kubeconfigText, loadKubeconfig, type RestConfig } from "../client/kubeconfig.ts";
export type * from "../client/models.ts";
export type { Handler, IndexFunction, Stored } from "../client/object-cache.ts";
export { keyOf, keyOfRef, refOfKey } from "../client/object-cache.ts";
export type { ReconcileContext } from "../client/operator/context.ts";
export type { AnyController, ReconcileResult, Watched } from "../client/operator/controller.ts";
export { type Controller, defineController, specChanged, watching } from "../client/operator/controller.ts";
export type { Reconciled } from "../client/operator/one-controller.ts";
export {
  Operator,
  type OperatorOptions,
  runControllers,
  startControllers,
} from "../client/operator/operator.ts";
export type { Keep, ReflectorDeps, Scope } from "../client/reflector.ts";
export type { LogOptions, RawOptions, RestClientOptions } from "../client/rest.ts";
export { RestClient } from "../client/rest.ts";
export type { Draft, KubeObject, ListMeta, Meta, Ref, Resource, WatchEvent } from "../client/types.ts";
export type { QueueObserver, WorkQueueOptions } from "../client/work-queue.ts";
export { WorkQueue } from "../client/work-queue.ts";
