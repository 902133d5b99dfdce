import type * as types from "../types.ts";
import { clusterKind, namespacedKind } from "./define-kind.ts";

/** The built-in kinds of Kubernetes 1.36, each in its newest stable version: `api.list(kinds.Pod)` is known to give pods. Other
 *  versions and other kinds: `defineKind`. */
export const kinds = {
  ConfigMap: namespacedKind<types.ConfigMap>("", "v1", "ConfigMap", "configmaps"),
  Endpoints: namespacedKind<types.Endpoints>("", "v1", "Endpoints", "endpoints"),
  Event: namespacedKind<types.Event>("", "v1", "Event", "events"),
  LimitRange: namespacedKind<types.LimitRange>("", "v1", "LimitRange", "limitranges"),
  Namespace: clusterKind<types.Namespace>("", "v1", "Namespace", "namespaces"),
  Node: clusterKind<types.Node>("", "v1", "Node", "nodes"),
  PersistentVolume: clusterKind<types.PersistentVolume>("", "v1", "PersistentVolume", "persistentvolumes"),
  PersistentVolumeClaim: namespacedKind<types.PersistentVolumeClaim>(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
  ),
  Pod: namespacedKind<types.Pod>("", "v1", "Pod", "pods"),
  PodTemplate: namespacedKind<types.PodTemplate>("", "v1", "PodTemplate", "podtemplates"),
  ReplicationController: namespacedKind<types.ReplicationController>(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
  ),
  ResourceQuota: namespacedKind<types.ResourceQuota>("", "v1", "ResourceQuota", "resourcequotas"),
  Secret: namespacedKind<types.Secret>("", "v1", "Secret", "secrets"),
  Service: namespacedKind<types.Service>("", "v1", "Service", "services"),
  ServiceAccount: namespacedKind<types.ServiceAccount>("", "v1", "ServiceAccount", "serviceaccounts"),

  MutatingAdmissionPolicy: clusterKind<types.MutatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingAdmissionPolicy",
    "mutatingadmissionpolicies",
  ),
  MutatingAdmissionPolicyBinding: clusterKind<types.MutatingAdmissionPolicyBinding>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingAdmissionPolicyBinding",
    "mutatingadmissionpolicybindings",
  ),
  MutatingWebhookConfiguration: clusterKind<types.MutatingWebhookConfiguration>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  ValidatingAdmissionPolicy: clusterKind<types.ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
  ),
  ValidatingAdmissionPolicyBinding: clusterKind<types.ValidatingAdmissionPolicyBinding>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
  ),
  ValidatingWebhookConfiguration: clusterKind<types.ValidatingWebhookConfiguration>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
  ),

  CustomResourceDefinition: clusterKind<types.CustomResourceDefinition>(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
  ),

  APIService: clusterKind<types.APIService>("apiregistration.k8s.io", "v1", "APIService", "apiservices"),

  ControllerRevision: namespacedKind<types.ControllerRevision>(
    "apps",
    "v1",
    "ControllerRevision",
    "controllerrevisions",
  ),
  DaemonSet: namespacedKind<types.DaemonSet>("apps", "v1", "DaemonSet", "daemonsets"),
  Deployment: namespacedKind<types.Deployment>("apps", "v1", "Deployment", "deployments"),
  ReplicaSet: namespacedKind<types.ReplicaSet>("apps", "v1", "ReplicaSet", "replicasets"),
  StatefulSet: namespacedKind<types.StatefulSet>("apps", "v1", "StatefulSet", "statefulsets"),

  SelfSubjectReview: clusterKind<types.SelfSubjectReview>(
    "authentication.k8s.io",
    "v1",
    "SelfSubjectReview",
    "selfsubjectreviews",
  ),
  TokenReview: clusterKind<types.TokenReview>("authentication.k8s.io", "v1", "TokenReview", "tokenreviews"),

  LocalSubjectAccessReview: namespacedKind<types.LocalSubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "LocalSubjectAccessReview",
    "localsubjectaccessreviews",
  ),
  SelfSubjectAccessReview: clusterKind<types.SelfSubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
  ),
  SelfSubjectRulesReview: clusterKind<types.SelfSubjectRulesReview>(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectRulesReview",
    "selfsubjectrulesreviews",
  ),
  SubjectAccessReview: clusterKind<types.SubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "SubjectAccessReview",
    "subjectaccessreviews",
  ),

  HorizontalPodAutoscaler: namespacedKind<types.HorizontalPodAutoscaler>(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
  ),

  CronJob: namespacedKind<types.CronJob>("batch", "v1", "CronJob", "cronjobs"),
  Job: namespacedKind<types.Job>("batch", "v1", "Job", "jobs"),

  CertificateSigningRequest: clusterKind<types.CertificateSigningRequest>(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
  ),

  Lease: namespacedKind<types.Lease>("coordination.k8s.io", "v1", "Lease", "leases"),

  EndpointSlice: namespacedKind<types.EndpointSlice>(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
  ),

  FlowSchema: clusterKind<types.FlowSchema>(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "FlowSchema",
    "flowschemas",
  ),
  PriorityLevelConfiguration: clusterKind<types.PriorityLevelConfiguration>(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "PriorityLevelConfiguration",
    "prioritylevelconfigurations",
  ),

  IPAddress: clusterKind<types.IPAddress>("networking.k8s.io", "v1", "IPAddress", "ipaddresses"),
  Ingress: namespacedKind<types.Ingress>("networking.k8s.io", "v1", "Ingress", "ingresses"),
  IngressClass: clusterKind<types.IngressClass>("networking.k8s.io", "v1", "IngressClass", "ingressclasses"),
  NetworkPolicy: namespacedKind<types.NetworkPolicy>(
    "networking.k8s.io",
    "v1",
    "NetworkPolicy",
    "networkpolicies",
  ),
  ServiceCIDR: clusterKind<types.ServiceCIDR>("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs"),

  RuntimeClass: clusterKind<types.RuntimeClass>("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),

  PodDisruptionBudget: namespacedKind<types.PodDisruptionBudget>(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
  ),

  ClusterRole: clusterKind<types.ClusterRole>(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
  ),
  ClusterRoleBinding: clusterKind<types.ClusterRoleBinding>(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
  ),
  Role: namespacedKind<types.Role>("rbac.authorization.k8s.io", "v1", "Role", "roles"),
  RoleBinding: namespacedKind<types.RoleBinding>(
    "rbac.authorization.k8s.io",
    "v1",
    "RoleBinding",
    "rolebindings",
  ),

  DeviceClass: clusterKind<types.DeviceClass>("resource.k8s.io", "v1", "DeviceClass", "deviceclasses"),
  ResourceClaim: namespacedKind<types.ResourceClaim>(
    "resource.k8s.io",
    "v1",
    "ResourceClaim",
    "resourceclaims",
  ),
  ResourceClaimTemplate: namespacedKind<types.ResourceClaimTemplate>(
    "resource.k8s.io",
    "v1",
    "ResourceClaimTemplate",
    "resourceclaimtemplates",
  ),
  ResourceSlice: clusterKind<types.ResourceSlice>("resource.k8s.io", "v1", "ResourceSlice", "resourceslices"),

  PriorityClass: clusterKind<types.PriorityClass>(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
  ),

  CSIDriver: clusterKind<types.CSIDriver>("storage.k8s.io", "v1", "CSIDriver", "csidrivers"),
  CSINode: clusterKind<types.CSINode>("storage.k8s.io", "v1", "CSINode", "csinodes"),
  CSIStorageCapacity: namespacedKind<types.CSIStorageCapacity>(
    "storage.k8s.io",
    "v1",
    "CSIStorageCapacity",
    "csistoragecapacities",
  ),
  StorageClass: clusterKind<types.StorageClass>("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
  VolumeAttachment: clusterKind<types.VolumeAttachment>(
    "storage.k8s.io",
    "v1",
    "VolumeAttachment",
    "volumeattachments",
  ),
  VolumeAttributesClass: clusterKind<types.VolumeAttributesClass>(
    "storage.k8s.io",
    "v1",
    "VolumeAttributesClass",
    "volumeattributesclasses",
  ),
} as const;
