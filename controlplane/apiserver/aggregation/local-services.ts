import type { APIService, KubeObject } from "../../../client/types.ts";
import { ApiError } from "../api-error.ts";
import type { RuledVersion } from "../custommetrics/ruled-groups.ts";
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

/** What Kubernetes leaves to an add-on, which may be installed here as well. */
const yieldingGroups: ReadonlySet<string> = new Set([
  "metrics.k8s.io",
  "custom.metrics.k8s.io",
  "external.metrics.k8s.io",
]);

export interface LocalService {
  readonly name: string;
  readonly managed: Managed;
  /** Another server may be named in its place; when that APIService is gone, this one is made again. */
  readonly yields: boolean;
  readonly spec: APIService["spec"];
}

/** One for every group and version that is served here. Pure. */
export function localServices(
  all: Kinds,
  builtIn: readonly Kind[],
  ruled: readonly RuledVersion[] = [],
): readonly LocalService[] {
  const own = new Set(builtIn.flatMap(servedForms).map(({ apiVersion }) => apiVersion));
  const found = new Map<string, LocalService>();
  for (const { group, version, apiVersion } of all.served) {
    if (group === registeringGroup) continue;
    const name = `${version}.${group}`;
    const spec = { ...(group !== "" && { group }), version, ...defaultPriority(group, version) };
    const managed = own.has(apiVersion) ? "onstart" : "true";
    found.set(name, { name, managed, yields: yieldingGroups.has(group), spec });
  }
  for (const { group, version } of ruled) {
    const name = `${version}.${group}`;
    const spec = { group, version, ...defaultPriority(group, version) };
    found.set(name, { name, managed: "onstart", yields: true, spec });
  }
  return [...found.values()];
}

/** Makes those that are missing, and takes away those of definitions that are gone. What has no label of ours is somebody
 *  else's, and stays.
 *  @param atStart Also makes those of the server's own groups, which may be deleted afterwards. */
export async function keepLocalServices(
  deps: RegistryDeps,
  kind: Kind,
  { wanted: all, atStart }: { readonly wanted: readonly LocalService[]; readonly atStart: boolean },
): Promise<void> {
  const cache = await deps.hub.cache(kind);
  const there = new Map(
    cache.list(cache.prefix).map(({ object }) => [object.metadata.name, object] as const),
  );
  // Where another server is named for one version of such a group, the others are not ours either.
  const others = new Set(
    [...there.values()].flatMap((one) => (isLocal(one) ? [] : [specOf(one).group ?? ""])),
  );
  const wanted = all.filter(({ yields, name, spec }) => {
    const object = there.get(name);
    const isGiven = object !== undefined && !isLocal(object);
    return !yields || isGiven || !others.has(spec.group ?? "");
  });
  if (atStart) {
    // A new cluster's are made in one transaction.
    const missing = wanted.filter(({ name, managed }) => managed === "onstart" && !there.has(name));
    await createMissing(
      deps,
      missing.map((one) => ({ kind, object: objectOf(one) })),
    );
  }
  for (const one of wanted) {
    if (one.managed === "onstart" && !atStart && !one.yields) continue;
    const object = there.get(one.name);
    if (object === undefined && one.managed === "onstart" && !one.yields) continue;
    if (object === undefined) await quietly(createObject(deps, kind, objectOf(one), { dryRun: false, by }));
    else if (one.yields && !isLocal(object)) continue;
    else if (isOurs(object) && !isSame(object, one)) await quietly(update(deps, kind, one));
  }
  const names = new Set(wanted.map(({ name }) => name));
  for (const [name, object] of there) {
    const { group = "" } = specOf(object);
    const isGivenUp = isOurs(object) && isLocal(object) && yieldingGroups.has(group) && others.has(group);
    if (names.has(name) || !(isGivenUp || isLeftOver(object, atStart))) continue;
    await quietly(removeObject(deps, kind, { namespace: "", name }, { dryRun: false, by }));
  }
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

/** Of a definition that is gone, or of a group that this server was told not to serve any more: what other servers serve meanwhile
 *  is looked at once, at a start. */
function isLeftOver(object: KubeObject, atStart: boolean): boolean {
  const managed = object.metadata.labels?.[managedLabel];
  if (managed === "true") return true;
  const { group = "" } = specOf(object);
  return atStart && managed === "onstart" && yieldingGroups.has(group) && isLocal(object);
}

const specOf = (object: KubeObject) => (object as unknown as APIService).spec;
const isLocal = (object: KubeObject) => specOf(object).service === undefined;
const isOurs = ({ metadata }: KubeObject) => metadata.labels?.[managedLabel] !== undefined;

function isSame(object: KubeObject, { managed, spec }: LocalService): boolean {
  const there = specOf(object);
  return (
    object.metadata.labels?.[managedLabel] === managed &&
    isLocal(object) &&
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
