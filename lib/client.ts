/** The Kubernetes client: for any cluster.
 *
 *  @packageDocumentation */

export type { Level as LogLevel } from "../base/os/log.ts";
export { MetricsRegistry as Metrics } from "../base/os/metrics.ts";
export type {
  CallOptions,
  DeleteOptions,
  ListOptions,
  ObjectList,
  PatchOptions,
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
export { EventRecorder } from "../client/events.ts";
export { Informer } from "../client/informer.ts";
export { type ConnectOptions, connectCluster } from "../client/kube/connect.ts";
export { type CustomObject, defineKind, type Kind, type ObjectOf } from "../client/kube/define-kind.ts";
export { Informers } from "../client/kube/informers.ts";
export { UnknownKindError } from "../client/kube/kind-finder.ts";
export { kinds } from "../client/kube/kinds.ts";
export { type ApplyOptions, KubeClient } from "../client/kube/kube-client.ts";
export type { LogLine } from "../client/kube/log-lines.ts";
export type { AnyManifest, Manifest } from "../client/kube/manifest.ts";
export { WaitTimeoutError } from "../client/kube/until.ts";
export type { ObjectEvent } from "../client/kube/watch-objects.ts";
export { kubeconfigText, loadKubeconfig, type RestConfig } from "../client/kubeconfig.ts";
export { LeaderElector } from "../client/leader-election.ts";
export type * from "../client/models.ts";
export { keyOf, keyOfRef, refOfKey } from "../client/object-cache.ts";
export type { ReconcileContext } from "../client/operator/context.ts";
export { type Controller, defineController, specChanged, watching } from "../client/operator/controller.ts";
export {
  Operator,
  type OperatorOptions,
  runControllers,
  startControllers,
} from "../client/operator/operator.ts";
export { resources } from "../client/resources.ts";
export { RestClient } from "../client/rest.ts";
export type { Draft, KubeObject, ListMeta, Meta, Ref } from "../client/types.ts";
export { WorkQueue } from "../client/work-queue.ts";
