import type * as models from "../models.ts";
import { clusterKind, namespacedKind } from "./define-kind.ts";

/** The built-in kinds of Kubernetes 1.36, each in its newest stable version: `api.list(kinds.Pod)` is known to give pods. Other
 *  versions and other kinds: `defineKind`. */
export const kinds = {
  ConfigMap: namespacedKind<models.ConfigMap>("", "v1", "ConfigMap", "configmaps"),
  Endpoints: namespacedKind<models.Endpoints>("", "v1", "Endpoints", "endpoints"),
  Event: namespacedKind<models.Event>("", "v1", "Event", "events"),
  LimitRange: namespacedKind<models.LimitRange>("", "v1", "LimitRange", "limitranges"),
  Namespace: clusterKind<models.Namespace>("", "v1", "Namespace", "namespaces"),
  Node: clusterKind<models.Node>("", "v1", "Node", "nodes"),
  PersistentVolume: clusterKind<models.PersistentVolume>("", "v1", "PersistentVolume", "persistentvolumes"),
  PersistentVolumeClaim: namespacedKind<models.PersistentVolumeClaim>(
    "",
    "v1",
    "PersistentVolumeClaim",
    "persistentvolumeclaims",
  ),
  Pod: namespacedKind<models.Pod>("", "v1", "Pod", "pods"),
  PodTemplate: namespacedKind<models.PodTemplate>("", "v1", "PodTemplate", "podtemplates"),
  ReplicationController: namespacedKind<models.ReplicationController>(
    "",
    "v1",
    "ReplicationController",
    "replicationcontrollers",
  ),
  ResourceQuota: namespacedKind<models.ResourceQuota>("", "v1", "ResourceQuota", "resourcequotas"),
  Secret: namespacedKind<models.Secret>("", "v1", "Secret", "secrets"),
  Service: namespacedKind<models.Service>("", "v1", "Service", "services"),
  ServiceAccount: namespacedKind<models.ServiceAccount>("", "v1", "ServiceAccount", "serviceaccounts"),

  MutatingAdmissionPolicy: clusterKind<models.MutatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingAdmissionPolicy",
    "mutatingadmissionpolicies",
  ),
  MutatingAdmissionPolicyBinding: clusterKind<models.MutatingAdmissionPolicyBinding>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingAdmissionPolicyBinding",
    "mutatingadmissionpolicybindings",
  ),
  MutatingWebhookConfiguration: clusterKind<models.MutatingWebhookConfiguration>(
    "admissionregistration.k8s.io",
    "v1",
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
  ),
  ValidatingAdmissionPolicy: clusterKind<models.ValidatingAdmissionPolicy>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicy",
    "validatingadmissionpolicies",
  ),
  ValidatingAdmissionPolicyBinding: clusterKind<models.ValidatingAdmissionPolicyBinding>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
  ),
  ValidatingWebhookConfiguration: clusterKind<models.ValidatingWebhookConfiguration>(
    "admissionregistration.k8s.io",
    "v1",
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
  ),

  CustomResourceDefinition: clusterKind<models.CustomResourceDefinition>(
    "apiextensions.k8s.io",
    "v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
  ),

  APIService: clusterKind<models.APIService>("apiregistration.k8s.io", "v1", "APIService", "apiservices"),

  ControllerRevision: namespacedKind<models.ControllerRevision>(
    "apps",
    "v1",
    "ControllerRevision",
    "controllerrevisions",
  ),
  DaemonSet: namespacedKind<models.DaemonSet>("apps", "v1", "DaemonSet", "daemonsets"),
  Deployment: namespacedKind<models.Deployment>("apps", "v1", "Deployment", "deployments"),
  ReplicaSet: namespacedKind<models.ReplicaSet>("apps", "v1", "ReplicaSet", "replicasets"),
  StatefulSet: namespacedKind<models.StatefulSet>("apps", "v1", "StatefulSet", "statefulsets"),

  SelfSubjectReview: clusterKind<models.SelfSubjectReview>(
    "authentication.k8s.io",
    "v1",
    "SelfSubjectReview",
    "selfsubjectreviews",
  ),
  TokenReview: clusterKind<models.TokenReview>("authentication.k8s.io", "v1", "TokenReview", "tokenreviews"),

  LocalSubjectAccessReview: namespacedKind<models.LocalSubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "LocalSubjectAccessReview",
    "localsubjectaccessreviews",
  ),
  SelfSubjectAccessReview: clusterKind<models.SelfSubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectAccessReview",
    "selfsubjectaccessreviews",
  ),
  SelfSubjectRulesReview: clusterKind<models.SelfSubjectRulesReview>(
    "authorization.k8s.io",
    "v1",
    "SelfSubjectRulesReview",
    "selfsubjectrulesreviews",
  ),
  SubjectAccessReview: clusterKind<models.SubjectAccessReview>(
    "authorization.k8s.io",
    "v1",
    "SubjectAccessReview",
    "subjectaccessreviews",
  ),

  HorizontalPodAutoscaler: namespacedKind<models.HorizontalPodAutoscaler>(
    "autoscaling",
    "v2",
    "HorizontalPodAutoscaler",
    "horizontalpodautoscalers",
  ),

  CronJob: namespacedKind<models.CronJob>("batch", "v1", "CronJob", "cronjobs"),
  Job: namespacedKind<models.Job>("batch", "v1", "Job", "jobs"),

  CertificateSigningRequest: clusterKind<models.CertificateSigningRequest>(
    "certificates.k8s.io",
    "v1",
    "CertificateSigningRequest",
    "certificatesigningrequests",
  ),

  Lease: namespacedKind<models.Lease>("coordination.k8s.io", "v1", "Lease", "leases"),

  EndpointSlice: namespacedKind<models.EndpointSlice>(
    "discovery.k8s.io",
    "v1",
    "EndpointSlice",
    "endpointslices",
  ),

  FlowSchema: clusterKind<models.FlowSchema>(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "FlowSchema",
    "flowschemas",
  ),
  PriorityLevelConfiguration: clusterKind<models.PriorityLevelConfiguration>(
    "flowcontrol.apiserver.k8s.io",
    "v1",
    "PriorityLevelConfiguration",
    "prioritylevelconfigurations",
  ),

  IPAddress: clusterKind<models.IPAddress>("networking.k8s.io", "v1", "IPAddress", "ipaddresses"),
  Ingress: namespacedKind<models.Ingress>("networking.k8s.io", "v1", "Ingress", "ingresses"),
  IngressClass: clusterKind<models.IngressClass>("networking.k8s.io", "v1", "IngressClass", "ingressclasses"),
  NetworkPolicy: namespacedKind<models.NetworkPolicy>(
    "networking.k8s.io",
    "v1",
    "NetworkPolicy",
    "networkpolicies",
  ),
  ServiceCIDR: clusterKind<models.ServiceCIDR>("networking.k8s.io", "v1", "ServiceCIDR", "servicecidrs"),

  RuntimeClass: clusterKind<models.RuntimeClass>("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses"),

  PodDisruptionBudget: namespacedKind<models.PodDisruptionBudget>(
    "policy",
    "v1",
    "PodDisruptionBudget",
    "poddisruptionbudgets",
  ),

  ClusterRole: clusterKind<models.ClusterRole>(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRole",
    "clusterroles",
  ),
  ClusterRoleBinding: clusterKind<models.ClusterRoleBinding>(
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings",
  ),
  Role: namespacedKind<models.Role>("rbac.authorization.k8s.io", "v1", "Role", "roles"),
  RoleBinding: namespacedKind<models.RoleBinding>(
    "rbac.authorization.k8s.io",
    "v1",
    "RoleBinding",
    "rolebindings",
  ),

  DeviceClass: clusterKind<models.DeviceClass>("resource.k8s.io", "v1", "DeviceClass", "deviceclasses"),
  ResourceClaim: namespacedKind<models.ResourceClaim>(
    "resource.k8s.io",
    "v1",
    "ResourceClaim",
    "resourceclaims",
  ),
  ResourceClaimTemplate: namespacedKind<models.ResourceClaimTemplate>(
    "resource.k8s.io",
    "v1",
    "ResourceClaimTemplate",
    "resourceclaimtemplates",
  ),
  ResourceSlice: clusterKind<models.ResourceSlice>(
    "resource.k8s.io",
    "v1",
    "ResourceSlice",
    "resourceslices",
  ),

  PriorityClass: clusterKind<models.PriorityClass>(
    "scheduling.k8s.io",
    "v1",
    "PriorityClass",
    "priorityclasses",
  ),

  CSIDriver: clusterKind<models.CSIDriver>("storage.k8s.io", "v1", "CSIDriver", "csidrivers"),
  CSINode: clusterKind<models.CSINode>("storage.k8s.io", "v1", "CSINode", "csinodes"),
  CSIStorageCapacity: namespacedKind<models.CSIStorageCapacity>(
    "storage.k8s.io",
    "v1",
    "CSIStorageCapacity",
    "csistoragecapacities",
  ),
  StorageClass: clusterKind<models.StorageClass>("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
  VolumeAttachment: clusterKind<models.VolumeAttachment>(
    "storage.k8s.io",
    "v1",
    "VolumeAttachment",
    "volumeattachments",
  ),
  VolumeAttributesClass: clusterKind<models.VolumeAttributesClass>(
    "storage.k8s.io",
    "v1",
    "VolumeAttributesClass",
    "volumeattributesclasses",
  ),
} as const;
