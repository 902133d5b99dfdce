import type { Container, Pod, ServiceAccount } from "../../../client/types.ts";

/** Asks for what this file does. */
const annotation = "kubernetes.io/enforce-mountable-secrets";
/** What Go takes for true. */
const yes: ReadonlySet<string> = new Set(["1", "t", "T", "true", "TRUE", "True"]);

/** Why a pod may not have the secrets that it names: its account, where it says so, lists those that it may.
 *  Undefined: it may. Pure. */
export function secretRefusal({ spec }: Pod, account: ServiceAccount): string | undefined {
  if (!yes.has(account.metadata.annotations?.[annotation] ?? "")) return undefined;
  const { name: accountName } = account.metadata;
  const listed = new Set((account.secrets ?? []).map(({ name }) => name));
  const unlisted = (name: string | undefined) => name !== undefined && !listed.has(name);
  const quoted = (name: string | undefined) => `secret.secretName="${name}"`;
  const because = `is not allowed because service account ${accountName} does not reference that secret`;
  for (const { secret } of spec.volumes ?? [])
    if (secret !== undefined && unlisted(secret.secretName))
      return `volume with ${quoted(secret.secretName)} ${because}`;
  const ofContainer = (container: Container, what: string): string | undefined => {
    for (const { name, valueFrom } of container.env ?? []) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (unlisted(secret))
        return `${what} ${container.name} with envVar ${name} referencing ${quoted(secret)} ${because}`;
    }
    for (const { secretRef } of container.envFrom ?? [])
      if (unlisted(secretRef?.name))
        return `${what} ${container.name} with envFrom referencing ${quoted(secretRef?.name)} ${because}`;
    return undefined;
  };
  for (const container of spec.initContainers ?? []) {
    const why = ofContainer(container, "init container");
    if (why !== undefined) return why;
  }
  for (const container of spec.containers) {
    const why = ofContainer(container, "container");
    if (why !== undefined) return why;
  }
  const pulling = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  for (const [index, { name }] of (spec.imagePullSecrets ?? []).entries())
    if (!pulling.has(name))
      return `imagePullSecrets[${index}].name="${name}" is not allowed because service account ${accountName} does not reference that imagePullSecret`;
  return undefined;
}
