/** Kinds that the home page looks at. */
const row = (group: string, version: string, kind: string, plural: string, namespaced = true) => ({
  group,
  version,
  kind,
  plural,
  namespaced,
});

export const nodeKind = row("", "v1", "Node", "nodes", false);
export const eventKind = row("", "v1", "Event", "events");
export const quotaKind = row("", "v1", "ResourceQuota", "resourcequotas");
export const leaseKind = row("coordination.k8s.io", "v1", "Lease", "leases");
export const sliceKind = row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices");
export const requestKind = row(
  "certificates.k8s.io",
  "v1",
  "CertificateSigningRequest",
  "certificatesigningrequests",
  false,
);
export const workloadKinds = {
  deployments: row("apps", "v1", "Deployment", "deployments"),
  statefulSets: row("apps", "v1", "StatefulSet", "statefulsets"),
  daemonSets: row("apps", "v1", "DaemonSet", "daemonsets"),
  jobs: row("batch", "v1", "Job", "jobs"),
} as const;
