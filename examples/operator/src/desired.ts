import type { AnyManifest, Ref, Secret } from "pintle/client";
import { expiryOf, type PreviewEnvironment } from "./preview.ts";

/** On everything inside a preview: a label to find it by, and an annotation that says whose it is. */
export const insideLabel = "example.com/preview";
const ofAnnotation = "example.com/preview-of";

/** With a part of the uid, so that no two are the same, and no one can take the name before. */
export const namespaceOf = ({ metadata }: PreviewEnvironment): string =>
  `preview-${metadata.name}-${metadata.uid.slice(0, 8)}`;

/** The preview that an object inside of it belongs to. */
export function previewsOf({ metadata }: { metadata: { annotations?: Record<string, string> } }): Ref[] {
  const [namespace, name] = metadata.annotations?.[ofAnnotation]?.split("/") ?? [];
  return namespace && name ? [{ namespace, name }] : [];
}

/** What should be there, the namespace first. Pure: the same preview gives the same objects. */
export function desired(preview: PreviewEnvironment, secrets: Secret[]): [AnyManifest, ...AnyManifest[]] {
  const { name, namespace: home } = preview.metadata;
  const namespace = namespaceOf(preview);
  const metadata = {
    namespace,
    labels: { [insideLabel]: "true" },
    annotations: { [ofAnnotation]: `${home}/${name}` },
  };
  const rbac = "rbac.authorization.k8s.io";
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: namespace,
        labels: { ...metadata.labels, "pod-security.kubernetes.io/enforce": "baseline" },
        annotations: metadata.annotations,
      },
    },
    object("v1", "ResourceQuota", { ...metadata, name: "preview" }, { spec: { hard: preview.spec.quota } }),
    // Where there is a quota pods have to say what they need. This says it for those that do not.
    object(
      "v1",
      "LimitRange",
      { ...metadata, name: "preview" },
      { spec: { limits: [{ type: "Container", defaultRequest: { cpu: "50m", memory: "64Mi" } }] } },
    ),
    object(
      "networking.k8s.io/v1",
      "NetworkPolicy",
      { ...metadata, name: "preview" },
      {
        // Its own pods, and those of namespaces that are meant to reach previews, such as an ingress controller's.
        spec: {
          podSelector: {},
          policyTypes: ["Ingress"],
          ingress: [
            {
              from: [
                { podSelector: {} },
                { namespaceSelector: { matchLabels: { "example.com/reaches-previews": "true" } } },
              ],
            },
          ],
        },
      },
    ),
    object(
      `${rbac}/v1`,
      "RoleBinding",
      { ...metadata, name: "preview-users" },
      {
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "edit" },
        subjects: (preview.spec.users ?? []).map((user) => ({ apiGroup: rbac, kind: "User", name: user })),
      },
    ),
    ...secrets.map(({ metadata: { name: secret }, type, data }) =>
      object("v1", "Secret", { ...metadata, name: secret }, { type, data }),
    ),
  ];
}

/** Lies beside the preview and is owned by it: pods of a pipeline can mount it, without any rights in the API. */
export function accessOf(preview: PreviewEnvironment): AnyManifest {
  const data = { NAMESPACE: namespaceOf(preview), EXPIRES_AT: expiryOf(preview).toISOString() };
  return object("v1", "ConfigMap", { name: `${preview.metadata.name}-preview` }, { data });
}

function object(
  apiVersion: string,
  kind: string,
  metadata: AnyManifest["metadata"],
  rest: object,
): AnyManifest {
  return { apiVersion, kind, metadata, ...rest };
}
