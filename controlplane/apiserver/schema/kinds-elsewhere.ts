/** Kinds that Kubernetes 1.36 knows and that are not served here: those of older and of unfinished versions, and those that
 *  only travel in requests. Its messages tell them from kinds that nobody knows. */
export function isKnownElsewhere(apiVersion: string, kind: string): boolean {
  return known.get(apiVersion)?.has(kind) === true;
}

/** A group and version a line, with its kinds. */
const rows = `
  admission.k8s.io/v1 AdmissionReview
  admission.k8s.io/v1beta1 AdmissionReview
  admissionregistration.k8s.io/v1alpha1 ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
  admissionregistration.k8s.io/v1beta1 ValidatingWebhookConfiguration MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
  internal.apiserver.k8s.io/v1alpha1 StorageVersion
  apps/v1beta1 Deployment DeploymentRollback Scale StatefulSet ControllerRevision
  apps/v1beta2 Deployment Scale StatefulSet DaemonSet ReplicaSet ControllerRevision
  authentication.k8s.io/v1alpha1 SelfSubjectReview
  authentication.k8s.io/v1beta1 SelfSubjectReview TokenReview
  authorization.k8s.io/v1beta1 SelfSubjectRulesReview SelfSubjectAccessReview SubjectAccessReview LocalSubjectAccessReview
  batch/v1beta1 CronJob
  certificates.k8s.io/v1alpha1 ClusterTrustBundle
  certificates.k8s.io/v1beta1 CertificateSigningRequest PodCertificateRequest
  coordination.k8s.io/v1alpha2 LeaseCandidate
  coordination.k8s.io/v1beta1 Lease LeaseCandidate
  v1 PodStatusResult ServiceProxyOptions NodeProxyOptions PodAttachOptions PodLogOptions PodExecOptions PodPortForwardOptions PodProxyOptions SerializedReference RangeAllocation
  discovery.k8s.io/v1beta1 EndpointSlice
  events.k8s.io/v1beta1 Event
  extensions/v1beta1 Deployment DeploymentRollback Scale DaemonSet Ingress ReplicaSet NetworkPolicy
  flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema PriorityLevelConfiguration
  flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema PriorityLevelConfiguration
  flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema PriorityLevelConfiguration
  imagepolicy.k8s.io/v1alpha1 ImageReview
  networking.k8s.io/v1beta1 Ingress IngressClass IPAddress ServiceCIDR
  node.k8s.io/v1alpha1 RuntimeClass
  node.k8s.io/v1beta1 RuntimeClass
  policy/v1beta1 PodDisruptionBudget Eviction
  rbac.authorization.k8s.io/v1alpha1 Role RoleBinding ClusterRole ClusterRoleBinding
  rbac.authorization.k8s.io/v1beta1 Role RoleBinding ClusterRole ClusterRoleBinding
  resource.k8s.io/v1alpha3 DeviceTaintRule ResourcePoolStatusRequest
  resource.k8s.io/v1beta1 DeviceClass ResourceClaim ResourceClaimTemplate ResourceSlice
  resource.k8s.io/v1beta2 DeviceClass DeviceTaintRule ResourceClaim ResourceClaimTemplate ResourceSlice
  scheduling.k8s.io/v1alpha2 Workload PodGroup
  scheduling.k8s.io/v1beta1 PriorityClass
  storage.k8s.io/v1alpha1 VolumeAttachment CSIStorageCapacity VolumeAttributesClass
  storage.k8s.io/v1beta1 StorageClass VolumeAttachment CSIDriver CSINode CSIStorageCapacity VolumeAttributesClass
  storagemigration.k8s.io/v1beta1 StorageVersionMigration
`;

const known: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  rows
    .trim()
    .split("\n")
    .map((row) => row.trim().split(" "))
    .map(([apiVersion = "", ...kinds]) => [apiVersion, new Set(kinds)]),
);
