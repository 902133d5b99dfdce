// Kubernetes' objects as they stand in JSON, of release 1.36 (`models.ts`); times are RFC 3339 strings.
import type * as models from "./models.ts";

export type ObjectMeta = models.ObjectMeta;
export type OwnerReference = models.OwnerReference;
export type LabelSelector = models.LabelSelector;
export type Condition = models.Condition;

/** What a stored object is guaranteed to have once the API server answered it. */
export type Meta = models.ObjectMeta & {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
};
/** Any object of the API. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  [field: string]: unknown;
}

export type Namespace = models.Namespace;
export type Node = models.Node;
export type Pod = models.Pod;
export type PodSpec = models.PodSpec;
export type PodStatus = models.PodStatus;
export type PodTemplateSpec = models.PodTemplateSpec;
export type Container = models.Container;
export type ContainerStatus = models.ContainerStatus;
export type Probe = models.Probe;
export type Toleration = models.Toleration;
export type Taint = models.Taint;
export type Volume = models.Volume;
export type Service = models.Service;
export type Endpoints = models.Endpoints;
export type EndpointSlice = models.EndpointSlice;
export type ConfigMap = models.ConfigMap;
export type Secret = models.Secret;
export type ServiceAccount = models.ServiceAccount;
export type ReplicationController = models.ReplicationController;
export type ReplicaSet = models.ReplicaSet;
export type Deployment = models.Deployment;
export type DaemonSet = models.DaemonSet;
export type StatefulSet = models.StatefulSet;
export type ControllerRevision = models.ControllerRevision;
export type Job = models.Job;
export type CronJob = models.CronJob;
export type HorizontalPodAutoscaler = models.HorizontalPodAutoscaler;
export type ClusterTrustBundle = models.ClusterTrustBundle;
export type CertificateSigningRequest = models.CertificateSigningRequest;
export type IPAddress = models.IPAddress;
export type ServiceCIDR = models.ServiceCIDR;
export type DeviceClass = models.DeviceClass;
export type ResourceClaim = models.ResourceClaim;
export type ResourceClaimSpec = models.ResourceClaimSpec;
export type ResourceClaimTemplate = models.ResourceClaimTemplate;
export type ResourceSlice = models.ResourceSlice;
export type PodDisruptionBudget = models.PodDisruptionBudget;
export type PodTemplate = models.PodTemplate;
export type LimitRangeItem = models.LimitRangeItem;
export type LimitRange = Omit<models.LimitRange, "spec"> & {
  spec: { limits: LimitRangeItem[] | null };
};
export type ResourceQuota = models.ResourceQuota;
export type PersistentVolume = models.PersistentVolume;
export type PersistentVolumeClaim = models.PersistentVolumeClaim;
export type StorageClass = models.StorageClass;
export type VolumeAttributesClass = models.VolumeAttributesClass;
export type VolumeAttachment = models.VolumeAttachment;
export type CSIDriver = models.CSIDriver;
export type CSINode = models.CSINode;
export type CSIStorageCapacity = models.CSIStorageCapacity;
export type Ingress = models.Ingress;
export type IngressClass = models.IngressClass;
export type ValidatingAdmissionPolicy = models.ValidatingAdmissionPolicy;
export type ValidatingAdmissionPolicyBinding = models.ValidatingAdmissionPolicyBinding;
export type MutatingAdmissionPolicy = models.MutatingAdmissionPolicy;
export type MutatingAdmissionPolicyBinding = models.MutatingAdmissionPolicyBinding;
export type Mutation = models.Mutation;
export type ParamKind = models.ParamKind;
export type ParamRef = models.ParamRef;
export type MatchResources = models.MatchResources;
export type Validation = models.Validation;
export type AuditAnnotation = models.AuditAnnotation;
export type Variable = models.Variable;
export type NetworkPolicy = models.NetworkPolicy;
export type PriorityClass = models.PriorityClass;
export type FlowSchema = models.FlowSchema;
export type FlowSubject = models.FlowcontrolV1Subject;
export type FlowRule = models.PolicyRulesWithSubjects;
export type FlowResourceRule = models.ResourcePolicyRule;
export type FlowNonResourceRule = models.NonResourcePolicyRule;
export type PriorityLevelConfiguration = models.PriorityLevelConfiguration;
export type APIService = models.APIService;
export type APIServiceCondition = models.APIServiceCondition;
export type RuntimeClass = models.RuntimeClass;
export type ComponentStatus = models.ComponentStatus;
export type Lease = models.Lease;
export type MutatingWebhookConfiguration = models.MutatingWebhookConfiguration;
export type ValidatingWebhookConfiguration = models.ValidatingWebhookConfiguration;
export type MutatingWebhook = models.MutatingWebhook;
export type ValidatingWebhook = models.ValidatingWebhook;
export type Event = models.Event;
export type Role = models.Role;
export type ClusterRole = models.ClusterRole;
export type RoleBinding = models.RoleBinding;
export type ClusterRoleBinding = models.ClusterRoleBinding;
export type PolicyRule = models.PolicyRule;
export type RoleRef = models.RoleRef;
export type Subject = models.Subject;
export type Status = models.Status;
export type CustomResourceDefinition = models.CustomResourceDefinition;
export type TokenReview = models.TokenReview;
export type SelfSubjectReview = models.SelfSubjectReview;
export type SubjectAccessReview = models.SubjectAccessReview;
export type LocalSubjectAccessReview = models.LocalSubjectAccessReview;
export type SelfSubjectAccessReview = models.SelfSubjectAccessReview;
export type SelfSubjectRulesReview = models.SelfSubjectRulesReview;

export type Binding = models.Binding;
export type Affinity = models.Affinity;
export type NodeSelectorTerm = models.NodeSelectorTerm;
export type PodAffinityTerm = models.PodAffinityTerm;
export type TopologySpreadConstraint = models.TopologySpreadConstraint;
export type LeaseSpec = models.LeaseSpec;
export type ObjectReference = models.ObjectReference;

/** Where a kind lives in the API, and which type its objects have. */
export interface Resource<T = KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Plural and lower case, as in the path. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Of a kind that a server's discovery told of: its objects have a status of their own, which somebody is to write. */
  readonly hasStatus?: boolean;
  /** Never set: carries T, so that `client.list(resources.pods)` is known to give pods. */
  readonly phantom?: T;
}

/** What a caller sends to create or replace a T: the server fills in the rest of the metadata, the client the type. */
export type Draft<T> = Omit<T, "metadata" | "apiVersion" | "kind"> & {
  apiVersion?: string;
  kind?: string;
  metadata: models.ObjectMeta;
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
