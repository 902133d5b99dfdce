import type { APIService, KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import { toKubeObject } from "../json.ts";
import { createMissing } from "../registry/create-missing.ts";
import { createObject } from "../registry/create-object.ts";
import type { Kind } from "../registry/kind.ts";
import { type Kinds, servedForms } from "../registry/kind-table.ts";
import { type RegistryDeps, serverRequester } from "../registry/registry-deps.ts";
import { removeObject } from "../registry/remove-object.ts";
import { updateObject } from "../registry/update-object.ts";
import { defaultPriority, registeringGroup } from "./priorities.ts";

/** The APIServices of what this server serves itself, which nobody has to write. */

/** `onstart`: made at a server's start where it is missing. `true`: kept in step with custom resource definitions. */
export const managedLabel = "kube-aggregator.kubernetes.io/automanaged";
type Managed = "onstart" | "true";

export interface LocalService {
  readonly name: string;
  readonly managed: Managed;
  readonly spec: APIService["spec"];
}

/** One for every group and version that is served here. Pure. */
export function localServices(all: Kinds, builtIn: readonly Kind[]): readonly LocalService[] {
  const own = new Set(builtIn.flatMap(servedForms).map(({ apiVersion }) => apiVersion));
  const found = new Map<string, LocalService>();
  for (const { group, version, apiVersion } of all.served) {
    if (group === registeringGroup) continue;
    const name = `${version}.${group}`;
    const spec = { ...(group !== "" && { group }), version, ...defaultPriority(group, version) };
    found.set(name, { name, managed: own.has(apiVersion) ? "onstart" : "true", spec });
  }
  return [...found.values()];
}

/** Makes those that are missing, and takes away those of definitions that are gone. What has no label of ours is somebody
 *  else's, and stays.
 *  @param atStart Also makes those of the server's own groups, which may be deleted afterwards. */
export async function keepLocalServices(
  deps: RegistryDeps,
  kind: Kind,
  { wanted, atStart }: { readonly wanted: readonly LocalService[]; readonly atStart: boolean },
): Promise<void> {
  const cache = await deps.hub.cache(kind);
  const there = new Map(
    cache.list(cache.prefix).map(({ object }) => [object.metadata.name, object] as const),
  );
  if (atStart) {
    // A new cluster's are made in one transaction.
    const missing = wanted.filter(({ name, managed }) => managed === "onstart" && !there.has(name));
    await createMissing(
      deps,
      missing.map((one) => ({ kind, object: objectOf(one) })),
    );
  }
  for (const one of wanted) {
    if (one.managed === "onstart" && !atStart) continue;
    const object = there.get(one.name);
    if (object === undefined && one.managed === "onstart") continue;
    if (object === undefined) await quietly(createObject(deps, kind, objectOf(one), { dryRun: false, by }));
    else if (isOurs(object) && !isSame(object, one)) await quietly(update(deps, kind, one));
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const [name, { metadata }] of there)
    if (metadata.labels?.[managedLabel] === "true" && !names.has(name))
      await quietly(removeObject(deps, kind, { namespace: "", name }, { dryRun: false, by }));
}

const by = serverRequester;

function objectOf({ name, managed, spec }: LocalService): KubeObject {
  return toKubeObject({
    apiVersion: `${registeringGroup}/v1`,
    kind: "APIService",
    metadata: { name, labels: { [managedLabel]: managed } },
    spec: { ...spec },
  });
}

const isOurs = ({ metadata }: KubeObject) => metadata.labels?.[managedLabel] !== undefined;

function isSame(object: KubeObject, { managed, spec }: LocalService): boolean {
  const there = (object as unknown as APIService).spec;
  return (
    object.metadata.labels?.[managedLabel] === managed &&
    there.service === undefined &&
    there.groupPriorityMinimum === spec.groupPriorityMinimum &&
    there.versionPriority === spec.versionPriority
  );
}

function update(deps: RegistryDeps, kind: Kind, wanted: LocalService): Promise<unknown> {
  const change = (current: KubeObject): KubeObject => ({
    ...current,
    metadata: {
      ...current.metadata,
      labels: { ...current.metadata.labels, [managedLabel]: wanted.managed },
    },
    spec: { ...wanted.spec },
  });
  const address = { namespace: "", name: wanted.name };
  return updateObject(deps, kind, address, change, { dryRun: false, via: "object", by });
}

async function quietly(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!(error instanceof ApiError && ["AlreadyExists", "Conflict", "NotFound"].includes(error.reason)))
      throw error;
  }
}
