import type { KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { objectOf, toKubeObject } from "../json.ts";
import { createObject } from "../registry/create-object.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { updateObject } from "../registry/update-object.ts";

/** Which tokens in secrets are still used, by the day, so that those that nobody uses can go. */

export const lastUsedLabel = "kubernetes.io/legacy-token-last-used";
const tracking = { namespace: "kube-system", name: "kube-apiserver-legacy-service-account-token-tracking" };

const dateText = (wallMs: number) => new Date(wallMs).toISOString().slice(0, 10);
const byServer = { dryRun: false, via: "server", by: serverRequester } as const;

/** Says since when use is noted; anything but a date is set right. */
export async function noteTrackingBegins(registry: RegistryDeps): Promise<void> {
  const kind = registry.kinds.named("", "configmaps")?.kind;
  if (kind === undefined) return;
  const since = dateText(registry.clock.wallMs());
  const isDate = (value: unknown) => typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value);
  const set = (current: KubeObject): KubeObject => {
    const data = objectOf(current.data);
    return isDate(data.since) ? current : { ...current, data: { ...data, since } };
  };
  try {
    await updateObject(registry, kind, tracking, set, byServer);
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
    const object = toKubeObject({ apiVersion: "v1", kind: "ConfigMap", metadata: tracking, data: { since } });
    await createObject(registry, kind, object, { dryRun: false, by: serverRequester }).catch(
      (made: unknown) => {
        if (!(made instanceof ApiError) || made.reason !== "AlreadyExists") throw made;
      },
    );
  }
}

/** Notes that the token of a secret was shown, once a day, beside the request that showed it. */
export class LegacyTokenUse {
  readonly #registry: () => RegistryDeps;
  readonly #underWay = new Set<string>();

  /** @param registry Handed later than this is made. */
  constructor(registry: () => RegistryDeps) {
    this.#registry = registry;
  }

  note({ metadata }: KubeObject): void {
    const registry = this.#registry();
    const today = dateText(registry.clock.wallMs());
    const tomorrow = dateText(registry.clock.wallMs() + 86_400_000);
    const isNoted = (labels: Readonly<Record<string, string>> | undefined) =>
      [today, tomorrow].includes(labels?.[lastUsedLabel] ?? "");
    if (isNoted(metadata.labels) || this.#underWay.has(metadata.uid)) return;
    const kind = registry.kinds.named("", "secrets")?.kind;
    if (kind === undefined) return;
    this.#underWay.add(metadata.uid);
    const { namespace = "", name } = metadata;
    const set = (current: KubeObject): KubeObject =>
      current.metadata.uid !== metadata.uid || isNoted(current.metadata.labels)
        ? current
        : {
            ...current,
            metadata: {
              ...current.metadata,
              labels: { ...current.metadata.labels, [lastUsedLabel]: today },
            },
          };
    updateObject(registry, kind, { namespace, name }, set, byServer)
      .catch((error: unknown) =>
        registry.log.warn("cannot note that a token was used", { namespace, name, error }),
      )
      .finally(() => this.#underWay.delete(metadata.uid));
  }
}
