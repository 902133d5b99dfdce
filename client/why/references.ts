import { resources } from "../resources.ts";
import type { Pod } from "../types.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, stands, wordsOf } from "./finding.ts";

/** A ConfigMap or Secret that a pod cannot do without, and a key of it; no key: it as a whole. */
interface Reference {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly key: string | undefined;
  /** Where in the pod. */
  readonly field: string;
}

interface Source {
  readonly name?: string;
  readonly key?: string;
  readonly optional?: boolean;
}

function referencesOf({ spec }: Pod): readonly Reference[] {
  const found: Reference[] = [];
  const add = (kind: Reference["kind"], source: Source | undefined, field: string) => {
    if (source?.name && !source.optional) found.push({ kind, name: source.name, key: source.key, field });
  };
  const addItems = (
    kind: Reference["kind"],
    source: (Source & { readonly items?: readonly { readonly key: string }[] }) | undefined,
    field: string,
  ) => {
    const items = source?.items ?? [];
    if (items.length === 0) add(kind, source, field);
    for (const { key } of items) add(kind, { ...source, key }, `${field}.items`);
  };
  for (const volume of spec.volumes ?? []) {
    const at = `spec.volumes[${volume.name}]`;
    addItems("ConfigMap", volume.configMap, `${at}.configMap`);
    const { secret } = volume;
    if (secret?.secretName)
      addItems(
        "Secret",
        {
          name: secret.secretName,
          ...(secret.optional !== undefined && { optional: secret.optional }),
          ...(secret.items && { items: secret.items }),
        },
        `${at}.secret`,
      );
    for (const source of volume.projected?.sources ?? []) {
      addItems("ConfigMap", source.configMap, `${at}.projected.configMap`);
      addItems("Secret", source.secret, `${at}.projected.secret`);
    }
  }
  for (const { name, env = [], envFrom = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    const at = `spec.containers[${name}]`;
    for (const { name: variable, valueFrom } of env) {
      add("ConfigMap", valueFrom?.configMapKeyRef, `${at}.env[${variable}]`);
      add("Secret", valueFrom?.secretKeyRef, `${at}.env[${variable}]`);
    }
    for (const { configMapRef, secretRef } of envFrom) {
      add("ConfigMap", configMapRef, `${at}.envFrom`);
      add("Secret", secretRef, `${at}.envFrom`);
    }
  }
  return found;
}

/** What a pod that is not started yet refers to, and is not there. */
export function missingReferences(pod: Pod, facts: Facts): readonly Finding[] {
  const seen = new Set<string>();
  return referencesOf(pod).flatMap(({ kind, name, key, field }) => {
    const resource = kind === "ConfigMap" ? resources.configmaps : resources.secrets;
    const object = facts.find<{ metadata: Pod["metadata"]; data?: object; binaryData?: object }>(
      resource as never,
      {
        name,
        namespace: pod.metadata.namespace,
      },
    );
    const lacksKey =
      key !== undefined && object && !Object.hasOwn({ ...object.data, ...object.binaryData }, key);
    if (object === undefined || (object !== null && !lacksKey)) return [];
    const what = `${kind} ${name}`;
    const cause = lacksKey
      ? `${what} has no key ${key}, which it needs`
      : `${what}, which it needs, does not exist`;
    if (seen.has(cause)) return [];
    seen.add(cause);
    const keys = Object.keys({ ...object?.data, ...object?.binaryData });
    return [
      finding(
        kind === "ConfigMap" ? "config-map-missing" : "secret-missing",
        { kind, metadata: { name, namespace: pod.metadata.namespace } },
        cause,
        {
          evidence: [
            stands(pod, field, key === undefined ? name : `${name}, key ${key}`),
            ...(lacksKey
              ? [
                  stands(
                    { kind, metadata: { name, namespace: pod.metadata.namespace } },
                    "data",
                    `has the keys ${keys.slice(0, 20).join(", ") || "(none)"}`,
                  ),
                ]
              : []),
          ],
          change: [
            lacksKey
              ? `the key ${key} in it, or optional: true`
              : `a ${kind} ${name} in namespace ${pod.metadata.namespace}, or optional: true`,
          ],
          next: [
            `kubectl get ${kind.toLowerCase()}s -n ${pod.metadata.namespace}`,
            `kubectl describe ${wordsOf(pod)}`,
          ],
        },
      ),
    ];
  });
}
