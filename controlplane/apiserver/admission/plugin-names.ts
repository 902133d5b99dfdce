/** In Kubernetes' order, under Kubernetes' names. They stand apart from what they do, so that reading flags loads none of that. */
export const pluginNames = [
  "NamespaceLifecycle",
  "LimitRanger",
  "ServiceAccount",
  "NodeRestriction",
  "TaintNodesByCondition",
  "PodSecurity",
  "Priority",
  "DefaultTolerationSeconds",
  "DefaultStorageClass",
  "StorageObjectInUseProtection",
  "RuntimeClass",
  "CertificateApproval",
  "CertificateSigning",
  "ClusterTrustBundleAttest",
  "CertificateSubjectRestriction",
  "DefaultIngressClass",
  "PersistentVolumeClaimResize",
  "MutatingAdmissionPolicy",
  "MutatingAdmissionWebhook",
  "ValidatingAdmissionPolicy",
  "ValidatingAdmissionWebhook",
] as const;
export type PluginName = (typeof pluginNames)[number];

/** Comes last, with the write itself: the registry asks its ledger (quota-ledger.ts). */
export const quotaPluginName = "ResourceQuota";

/** Of all that can be left out. */
export const admissionPluginNames: readonly string[] = [...pluginNames, quotaPluginName];
