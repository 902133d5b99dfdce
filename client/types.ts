import type * as k8s from "@kubernetes/client-node";

/** Kubernetes objects as they stand in JSON: the models of release 1.36 with times as RFC 3339 strings.
 *  Types only; nothing of the models is loaded at run time. */
export type Wire<T> = T extends Date
  ? string
  : T extends k8s.IntOrString
    ? T
    : T extends readonly (infer E)[]
      ? Wire<E>[]
      : T extends object
        ? { [N in keyof T]: Wire<T[N]> }
        : T;

export type ObjectMeta = Wire<k8s.V1ObjectMeta>;
export type OwnerReference = Wire<k8s.V1OwnerReference>;
export type LabelSelector = Wire<k8s.V1LabelSelector>;
export type Condition = Wire<k8s.V1Condition>;

/** What a stored object is guaranteed to have once the API server answered it. */
export type Meta = ObjectMeta & {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
};
type Stored<T> = Omit<Wire<T>, "metadata" | "apiVersion" | "kind"> & {
  apiVersion: string;
  kind: string;
  metadata: Meta;
};

/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  [field: string]: unknown;
}

export type Namespace = Stored<k8s.V1Namespace>;
export type Node = Stored<k8s.V1Node>;
export type Pod = Stored<k8s.V1Pod> & { spec: PodSpec };
export type PodSpec = Wire<k8s.V1PodSpec>;
export type PodStatus = Wire<k8s.V1PodStatus>;
export type PodTemplateSpec = Wire<k8s.V1PodTemplateSpec>;
export type Container = Wire<k8s.V1Container>;
export type ContainerStatus = Wire<k8s.V1ContainerStatus>;
export type Probe = Wire<k8s.V1Probe>;
export type Toleration = Wire<k8s.V1Toleration>;
export type Taint = Wire<k8s.V1Taint>;
export type Volume = Wire<k8s.V1Volume>;
export type Service = Stored<k8s.V1Service> & { spec: Wire<k8s.V1ServiceSpec> };
export type Endpoints = Stored<k8s.V1Endpoints>;
export type EndpointSlice = Stored<k8s.V1EndpointSlice>;
export type ConfigMap = Stored<k8s.V1ConfigMap>;
export type Secret = Stored<k8s.V1Secret>;
export type ServiceAccount = Stored<k8s.V1ServiceAccount>;
export type ReplicationController = Stored<k8s.V1ReplicationController> & {
  spec: Wire<k8s.V1ReplicationControllerSpec>;
};
export type ReplicaSet = Stored<k8s.V1ReplicaSet> & { spec: Wire<k8s.V1ReplicaSetSpec> };
export type Deployment = Stored<k8s.V1Deployment> & { spec: Wire<k8s.V1DeploymentSpec> };
export type DaemonSet = Stored<k8s.V1DaemonSet> & { spec: Wire<k8s.V1DaemonSetSpec> };
export type StatefulSet = Stored<k8s.V1StatefulSet> & { spec: Wire<k8s.V1StatefulSetSpec> };
export type ControllerRevision = Stored<k8s.V1ControllerRevision>;
export type Job = Stored<k8s.V1Job> & { spec: Wire<k8s.V1JobSpec> };
export type CronJob = Stored<k8s.V1CronJob> & { spec: Wire<k8s.V1CronJobSpec> };
export type HorizontalPodAutoscaler = Stored<k8s.V2HorizontalPodAutoscaler> & {
  spec: Wire<k8s.V2HorizontalPodAutoscalerSpec>;
};
export type ClusterTrustBundle = Stored<k8s.V1beta1ClusterTrustBundle>;
export type CertificateSigningRequest = Stored<k8s.V1CertificateSigningRequest>;
export type IPAddress = Stored<k8s.V1IPAddress>;
export type ServiceCIDR = Stored<k8s.V1ServiceCIDR>;
export type DeviceClass = Stored<k8s.V1DeviceClass> & { spec: Wire<k8s.V1DeviceClassSpec> };
export type ResourceClaim = Stored<k8s.ResourceV1ResourceClaim> & { spec: ResourceClaimSpec };
export type ResourceClaimSpec = Wire<k8s.V1ResourceClaimSpec>;
export type ResourceClaimTemplate = Stored<k8s.V1ResourceClaimTemplate> & {
  spec: Wire<k8s.V1ResourceClaimTemplateSpec>;
};
export type ResourceSlice = Stored<k8s.V1ResourceSlice> & { spec: Wire<k8s.V1ResourceSliceSpec> };
export type PodDisruptionBudget = Stored<k8s.V1PodDisruptionBudget> & {
  spec: Wire<k8s.V1PodDisruptionBudgetSpec>;
};
export type PodTemplate = Stored<k8s.V1PodTemplate>;
/** The model calls `default` by another name. */
export type LimitRangeItem = Omit<Wire<k8s.V1LimitRangeItem>, "_default"> & {
  default?: { [resource: string]: string };
};
export type LimitRange = Omit<Stored<k8s.V1LimitRange>, "spec"> & {
  spec: { limits: LimitRangeItem[] | null };
};
export type ResourceQuota = Stored<k8s.V1ResourceQuota> & { spec: Wire<k8s.V1ResourceQuotaSpec> };
export type PersistentVolume = Stored<k8s.V1PersistentVolume> & { spec: Wire<k8s.V1PersistentVolumeSpec> };
export type PersistentVolumeClaim = Stored<k8s.V1PersistentVolumeClaim> & {
  spec: Wire<k8s.V1PersistentVolumeClaimSpec>;
};
export type StorageClass = Stored<k8s.V1StorageClass>;
export type VolumeAttributesClass = Stored<k8s.V1VolumeAttributesClass>;
export type VolumeAttachment = Stored<k8s.V1VolumeAttachment>;
export type CSIDriver = Stored<k8s.V1CSIDriver>;
export type CSINode = Stored<k8s.V1CSINode>;
export type CSIStorageCapacity = Stored<k8s.V1CSIStorageCapacity>;
export type Ingress = Stored<k8s.V1Ingress> & { spec: Wire<k8s.V1IngressSpec> };
export type IngressClass = Stored<k8s.V1IngressClass>;
export type ValidatingAdmissionPolicy = Stored<k8s.V1ValidatingAdmissionPolicy>;
export type ValidatingAdmissionPolicyBinding = Stored<k8s.V1ValidatingAdmissionPolicyBinding>;
export type MutatingAdmissionPolicy = Stored<k8s.V1MutatingAdmissionPolicy>;
export type MutatingAdmissionPolicyBinding = Stored<k8s.V1MutatingAdmissionPolicyBinding>;
export type Mutation = k8s.V1Mutation;
export type ParamKind = k8s.V1ParamKind;
export type ParamRef = k8s.V1ParamRef;
export type MatchResources = k8s.V1MatchResources;
export type Validation = k8s.V1Validation;
export type AuditAnnotation = k8s.V1AuditAnnotation;
export type Variable = k8s.V1Variable;
export type NetworkPolicy = Stored<k8s.V1NetworkPolicy> & { spec: Wire<k8s.V1NetworkPolicySpec> };
export type PriorityClass = Stored<k8s.V1PriorityClass>;
export type FlowSchema = Stored<k8s.V1FlowSchema> & { spec: Wire<k8s.V1FlowSchemaSpec> };
export type FlowSubject = Wire<k8s.FlowcontrolV1Subject>;
export type FlowRule = Wire<k8s.V1PolicyRulesWithSubjects>;
export type FlowResourceRule = Wire<k8s.V1ResourcePolicyRule>;
export type FlowNonResourceRule = Wire<k8s.V1NonResourcePolicyRule>;
export type PriorityLevelConfiguration = Stored<k8s.V1PriorityLevelConfiguration> & {
  spec: Wire<k8s.V1PriorityLevelConfigurationSpec>;
};
export type APIService = Stored<k8s.V1APIService> & { spec: Wire<k8s.V1APIServiceSpec> };
export type APIServiceCondition = Wire<k8s.V1APIServiceCondition>;
export type RuntimeClass = Stored<k8s.V1RuntimeClass>;
export type ComponentStatus = Stored<k8s.V1ComponentStatus>;
export type Lease = Stored<k8s.V1Lease>;
export type MutatingWebhookConfiguration = Stored<k8s.V1MutatingWebhookConfiguration>;
export type ValidatingWebhookConfiguration = Stored<k8s.V1ValidatingWebhookConfiguration>;
export type MutatingWebhook = Wire<k8s.V1MutatingWebhook>;
export type ValidatingWebhook = Wire<k8s.V1ValidatingWebhook>;
export type Event = Stored<k8s.CoreV1Event>;
export type Role = Stored<k8s.V1Role>;
export type ClusterRole = Stored<k8s.V1ClusterRole>;
export type RoleBinding = Stored<k8s.V1RoleBinding>;
export type ClusterRoleBinding = Stored<k8s.V1ClusterRoleBinding>;
export type PolicyRule = Wire<k8s.V1PolicyRule>;
export type RoleRef = Wire<k8s.V1RoleRef>;
export type Subject = Wire<k8s.RbacV1Subject>;
export type Status = Wire<k8s.V1Status>;

export type Binding = Wire<k8s.V1Binding>;
export type Affinity = Wire<k8s.V1Affinity>;
export type NodeSelectorTerm = Wire<k8s.V1NodeSelectorTerm>;
export type PodAffinityTerm = Wire<k8s.V1PodAffinityTerm>;
export type TopologySpreadConstraint = Wire<k8s.V1TopologySpreadConstraint>;
export type LeaseSpec = Wire<k8s.V1LeaseSpec>;
export type ObjectReference = Wire<k8s.V1ObjectReference>;

/** Where a kind lives in the API, and which type its objects have. */
export interface Resource<T = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural and lower case, as in the path. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: carries T, so that `client.list(resources.pods)` is known to give pods. */
  readonly phantom?: T;
}

/** What a caller sends to create or replace a T: the server fills in the rest of the metadata, the client the type. */
export type Draft<T> = Omit<T, "metadata" | "apiVersion" | "kind"> & {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
};

/** One object's address. `namespace` is absent for kinds outside namespaces. */
export interface Ref {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** metadata of a list. */
export interface ListMeta {
  resourceVersion: string;
  /** Present when there is more: pass it back as `continue`. */
  continue?: string;
  remainingItemCount?: number;
}

export type WatchEvent<T = KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  /** No change: history up to `resourceVersion` has been seen. `initialEventsEnd` closes a streamed list. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string; readonly initialEventsEnd: boolean };
