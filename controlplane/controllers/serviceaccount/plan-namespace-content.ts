import type { ConfigMap, Draft, Namespace, ServiceAccount } from "../../../client/types.ts";
import { isBeingDeleted } from "../owners.ts";

/** What a namespace lacks of what every namespace has. Pure. */
export type ContentAction =
  | { readonly action: "createServiceAccount"; readonly object: Draft<ServiceAccount> }
  | { readonly action: "createConfigMap"; readonly object: Draft<ConfigMap> }
  | { readonly action: "updateConfigMap"; readonly object: ConfigMap };

export const rootCaName = "kube-root-ca.crt";
const descriptionAnnotation = "kubernetes.io/description";
const rootCaAnnotations = {
  [descriptionAnnotation]:
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.",
};

const isOpen = (namespace: Namespace) =>
  !isBeingDeleted(namespace) && namespace.status?.phase !== "Terminating";

export function planServiceAccount(
  namespace: Namespace,
  existing: ServiceAccount | undefined,
): readonly ContentAction[] {
  if (!isOpen(namespace) || existing !== undefined) return [];
  const metadata = { name: "default", namespace: namespace.metadata.name };
  return [{ action: "createServiceAccount", object: { metadata } }];
}

/** The map holds the authority and nothing else, and says what for. */
export function planRootCa(
  namespace: Namespace,
  existing: ConfigMap | undefined,
  caPem: string,
): readonly ContentAction[] {
  if (!isOpen(namespace)) return [];
  const data = { "ca.crt": caPem };
  if (existing === undefined) {
    const metadata = { name: rootCaName, namespace: namespace.metadata.name, annotations: rootCaAnnotations };
    return [{ action: "createConfigMap", object: { metadata, data } }];
  }
  const { annotations } = existing.metadata;
  const isWhole =
    existing.data?.["ca.crt"] === caPem &&
    Object.keys(existing.data).length === 1 &&
    Boolean(annotations?.[descriptionAnnotation]);
  if (isWhole) return [];
  const metadata = { ...existing.metadata, annotations: { ...annotations, ...rootCaAnnotations } };
  return [{ action: "updateConfigMap", object: { ...existing, metadata, data } }];
}
