import type { KubeObject } from "../../../client/types.ts";
import { conflict, invalid, modifiedMeanwhile, notFound } from "../api-error.ts";
import { isObject, listOf, objectOf } from "../json.ts";
import type { Kind } from "./kind.ts";
import { finalizerProblems, keepServerMeta, sameJson } from "./object-meta.ts";
import { putObject, type RegistryDeps, updateAttemptsMax } from "./registry-deps.ts";
import type { StoredEntry } from "./storage.ts";
import { decodeStored, objectKey } from "./stored-object.ts";

export interface UpdateOptions {
  readonly dryRun: boolean;
  /** `object`: through the main resource, with the kind's rules for updates. `status`: status and metadata only.
   *  `server`: the server's own change, which may touch what clients may not. */
  readonly via: "object" | "status" | "server";
}

export interface Address {
  readonly namespace: string;
  readonly name: string;
}

/** Changes an object and returns it as stored. `change` gets a copy of the current object, may mutate it, and returns
 *  what is wanted; it runs again when somebody else was faster, unless its result names a resourceVersion.
 *  An object whose last finalizer went is removed. Fails with NotFound, Conflict, Invalid. */
export async function updateObject(
  deps: RegistryDeps,
  kind: Kind,
  address: Address,
  change: (current: KubeObject) => KubeObject | Promise<KubeObject>,
  options: UpdateOptions,
): Promise<KubeObject> {
  const key = objectKey(kind, address.namespace, address.name);
  let { entry } = await deps.storage.get(key);
  for (let attempt = 1; attempt <= updateAttemptsMax; attempt++) {
    if (entry === undefined) throw notFound(kind, address.name);
    const current = decodeStored(kind, entry.value, entry.modRevision);
    const next = await change(structuredClone(current));
    checkPreconditions(kind, next, current);
    prepare(deps, kind, { next, current, via: options.via });
    const outcome = await store(deps, kind, { key, entry, next, current, dryRun: options.dryRun });
    if (outcome.done) return outcome.object;
    entry = outcome.entry;
  }
  throw conflict(kind, address.name, modifiedMeanwhile);
}

function checkPreconditions(kind: Kind, next: KubeObject, current: KubeObject): void {
  const { uid, resourceVersion } = next.metadata;
  const { name } = current.metadata;
  if (uid !== "" && uid !== undefined && uid !== current.metadata.uid)
    throw conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  if (
    resourceVersion !== "" &&
    resourceVersion !== undefined &&
    resourceVersion !== current.metadata.resourceVersion
  )
    throw conflict(kind, name, modifiedMeanwhile);
}

function prepare(
  deps: RegistryDeps,
  kind: Kind,
  { next, current, via }: { next: KubeObject; current: KubeObject; via: UpdateOptions["via"] },
): void {
  keepServerMeta(next, current);
  deps.allocator.carryOver(kind, next, current);
  kind.applyDefaults(next);
  if (via === "object") kind.prepareForUpdate?.(next, current);
  if (kind.hasGeneration && !sameJson(next.spec, current.spec))
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  const problems = [
    ...finalizerProblems(next, current),
    ...kind.validate(next),
    ...(via === "object" ? (kind.validateUpdate?.(next, current) ?? []) : []),
  ];
  if (problems.length > 0) throw invalid(kind, current.metadata.name, problems);
}

interface Attempt {
  readonly key: string;
  readonly entry: StoredEntry;
  readonly next: KubeObject;
  readonly current: KubeObject;
  readonly dryRun: boolean;
}
type Outcome =
  | { readonly done: true; readonly object: KubeObject }
  | { readonly done: false; readonly entry: StoredEntry | undefined };

async function store(deps: RegistryDeps, kind: Kind, attempt: Attempt): Promise<Outcome> {
  const { key, entry, next, current, dryRun } = attempt;
  const removes = isFinished(next);
  const claims = await deps.allocator.plan(kind, removes ? undefined : next, current);
  if (dryRun || (!removes && sameJson(next, current))) return { done: true, object: next };
  const result = await deps.storage.commit({
    compare: [{ key, modRevision: entry.modRevision }, ...claims.compare],
    writes: [removes ? { type: "delete", key } : putObject(kind, key, next), ...claims.writes],
  });
  if (!result.ok) return { done: false, entry: result.current[0] };
  next.metadata.resourceVersion = String(result.revision);
  return { done: true, object: next };
}

/** Being deleted, with nothing left that somebody must do first. */
export function isFinished(object: KubeObject): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) return false;
  if ((metadata.finalizers ?? []).length > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const isNamespace = object.kind === "Namespace" && object.apiVersion === "v1";
  return !isNamespace || !isObject(object.spec) || listOf(objectOf(object.spec).finalizers).length === 0;
}
