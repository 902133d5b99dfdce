import type { ObjectMeta, PodSpec } from "../types.ts";
import { podReferences } from "./pod-references.ts";

/** Of a pod that a node runs by itself, from a file, and of the one that shows it in the API: the hash of the former. */
export const mirrorAnnotation = "kubernetes.io/config.mirror";

/** What such pods are annotated with besides. */
export const staticAnnotations = {
  hash: "kubernetes.io/config.hash",
  source: "kubernetes.io/config.source",
} as const;

interface Annotated {
  readonly metadata: Pick<ObjectMeta, "annotations">;
}

/** Such a pod is its node's to make: nobody adds anything to it, and it opens nothing to its node. No node runs one of the API's:
 *  among the pods that a node runs, these come from its files. */
export const isMirrorPod = ({ metadata }: Annotated): boolean =>
  metadata.annotations?.[mirrorAnnotation] !== undefined;

/** What a static pod must not have: anything through which its node would come to see more. Undefined where it has none. */
export function staticPodReference(spec: PodSpec, podName: string): string | undefined {
  const { serviceAccounts, secrets, configMaps } = podReferences(spec, podName);
  if (serviceAccounts.size > 0) return "serviceaccounts";
  if (secrets.size > 0) return "secrets";
  if (configMaps.size > 0) return "configmaps";
  if ((spec.resourceClaims ?? []).length > 0) return "resourceclaims";
  for (const { csi, ephemeral, glusterfs, persistentVolumeClaim, projected } of spec.volumes ?? []) {
    if (csi !== undefined) return "csidrivers (via CSI volumes)";
    if (glusterfs !== undefined) return "endpoints (via glusterFS volumes)";
    if (persistentVolumeClaim !== undefined) return "persistentvolumeclaims";
    if (ephemeral !== undefined) return "persistentvolumeclaims (via ephemeral volumes)";
    for (const source of projected?.sources ?? []) {
      if (source.serviceAccountToken !== undefined) return "serviceaccounts (via projected volumes)";
      if (source.clusterTrustBundle !== undefined) return "clustertrustbundles";
      if (source.podCertificate !== undefined) return "podcertificates";
    }
  }
  return undefined;
}
