import type { Pod } from "../../client/types.ts";

/** Names of config maps and secrets in the pod's namespace. */
export interface References {
  readonly configMaps: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
}

/** What a pod's volumes and environment are made of. */
export function referencesOf(pod: Pod): References {
  const configMaps = new Set<string | undefined>();
  const secrets = new Set<string | undefined>();
  for (const { configMap, secret, projected } of pod.spec.volumes ?? []) {
    configMaps.add(configMap?.name);
    secrets.add(secret?.secretName);
    for (const source of projected?.sources ?? []) {
      configMaps.add(source.configMap?.name);
      secrets.add(source.secret?.name);
    }
  }
  for (const { env, envFrom } of [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]) {
    for (const { valueFrom } of env ?? []) {
      configMaps.add(valueFrom?.configMapKeyRef?.name);
      secrets.add(valueFrom?.secretKeyRef?.name);
    }
    for (const { configMapRef, secretRef } of envFrom ?? []) {
      configMaps.add(configMapRef?.name);
      secrets.add(secretRef?.name);
    }
  }
  return { configMaps: named(configMaps), secrets: named(secrets) };
}

const named = (names: ReadonlySet<string | undefined>): ReadonlySet<string> =>
  new Set([...names].flatMap((name) => (name ? [name] : [])));
