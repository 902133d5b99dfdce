import { cloneJson } from "../../../base/clone-json.ts";
import { heldLeaseReason } from "../../../client/held-lease.ts";
import type { KubeObject } from "../../../client/types.ts";
import type { Requester } from "../admission/admission.ts";
import {
  ApiError,
  conflict,
  type GroupResource,
  invalid,
  modifiedMeanwhile,
  notFound,
  unknownError,
} from "../api-error.ts";
import { isObject, listOf, objectOf, toKubeObject } from "../json.ts";
import { sameValue } from "../schema/same-value.ts";
import { type CurrentState, firstState, liveState, stateOf } from "./current-state.ts";
import { keepTimes } from "./kept-times.ts";
import type { Kind, Part } from "./kind.ts";
import { apiVersionOf, rulesOf } from "./kind-table.ts";
import {
  fillInMeta,
  finalizerProblems,
  fixedMetaProblems,
  keepFields,
  keepServerMeta,
  rfc3339,
  sameJson,
} from "./object-meta.ts";
import { type RegistryDeps, updateAttemptsMax } from "./registry-deps.ts";
import { sameWritten } from "./same-written.ts";
import type { Transaction, Write } from "./storage.ts";
import { type Storing, storeObject } from "./store-object.ts";
import { objectKey } from "./stored-object.ts";

export interface UpdateOptions {
  readonly dryRun: boolean;
  /** `object`: through the main resource, with the kind's rules for updates. `status`: status and metadata only.
   *  `server`: the server's own change, which may touch what clients may not. A part: that part only. */
  readonly via: "object" | "status" | "server" | Part;
  readonly by: Requester;
  /** The wanted object is the current one changed, where a whole one states what it is meant for by its uid. */
  readonly patches?: true;
  /** Set where the caller asks admission by itself, of something else than the object (a Scale, a Binding): this runs in each
   *  attempt in place of the second phase. */
  readonly validateAdmission?: (next: KubeObject, current: KubeObject) => Promise<void>;
  /** Notes in the object who changed it, once its defaults are filled in; mutates. */
  readonly record?: (next: KubeObject, current: KubeObject) => void;
}

export interface Address {
  readonly namespace: string;
  readonly name: string;
}

/** Changes an object and returns it as stored: read-only, but for a dry run. `change` gets a copy of the current object, may
 *  mutate it, and returns what is wanted; it runs again when somebody else was faster, unless its result names a
 *  resourceVersion. An object whose last finalizer went is removed. Fails with NotFound, Conflict, Invalid. */
export async function updateObject(
  deps: RegistryDeps,
  kind: Kind,
  address: Address,
  change: (current: KubeObject) => KubeObject | Promise<KubeObject>,
  options: UpdateOptions,
): Promise<KubeObject> {
  const key = objectKey(kind, address.namespace, address.name);
  const resource = options.by.served ?? kind;
  let state = await (options.dryRun ? liveState : firstState)(deps, kind, key);
  for (let attempt = 1; attempt <= updateAttemptsMax; attempt++) {
    if (state === undefined) throw notFound(resource, address.name);
    const outcome = await attemptUpdate(deps, kind, { key, state, change, options });
    if (outcome.done) return outcome.object;
    state = outcome.state;
  }
  throw conflict(resource, address.name, modifiedMeanwhile);
}

interface Attempt {
  readonly key: string;
  readonly state: CurrentState;
  readonly change: (current: KubeObject) => KubeObject | Promise<KubeObject>;
  readonly options: UpdateOptions;
}
type Outcome =
  | { readonly done: true; readonly object: KubeObject }
  /** There is another state to start from. */
  | { readonly done: false; readonly state: CurrentState | undefined };

/** What an old state leads to counts only where it turns out to be the newest. */
async function attemptUpdate(deps: RegistryDeps, kind: Kind, attempt: Attempt): Promise<Outcome> {
  const { key, state, change, options } = attempt;
  const isNewest = async () => {
    if (state.isLive) return { yes: true, state };
    const live = await liveState(deps, kind, key);
    return { yes: live?.modRevision === state.modRevision, state: live };
  };
  let next: KubeObject;
  let result: Storing | undefined;
  try {
    const current = await inKindsVersion(kind, state.object);
    next = await change(copyOf(current));
    checkPreconditions(kind, next, { current, key, options });
    await prepare(deps, kind, { next, current, options });
    result = await commit(deps, kind, { ...attempt, next });
  } catch (error) {
    if (!(error instanceof ApiError) || error.reason === heldLeaseReason) throw error;
    const newest = await isNewest();
    if (newest.yes) throw error;
    return { done: false, state: newest.state };
  }
  if (result === undefined) {
    if (options.dryRun) return { done: true, object: next };
    const newest = await isNewest();
    // What changes nothing is still written where it would be encrypted otherwise now.
    const done = newest.yes && newest.state?.isStale !== true;
    return done ? { done: true, object: next } : { done: false, state: newest.state };
  }
  if (!result.ok) return { done: false, state: stateOf(kind, result.current[0]) };
  return { done: true, object: result.object };
}

/** A copy to be changed, but for the record of who set what: that is only ever replaced. */
function copyOf(object: KubeObject): KubeObject {
  const { managedFields } = object.metadata;
  if (managedFields === undefined) return cloneJson(object);
  const copy = cloneJson({ ...object, metadata: { ...object.metadata, managedFields: [] } });
  return { ...copy, metadata: { ...copy.metadata, managedFields } };
}

/** The object as it would be stored now, where it was stored in another version. */
async function inKindsVersion(kind: Kind, object: KubeObject): Promise<KubeObject> {
  const { slowForm, group, version } = kind;
  if (slowForm === undefined || object.apiVersion === apiVersionOf(group, version)) return object;
  const [converted] = await slowForm(version).toServed([object]);
  return toKubeObject(converted ?? {});
}

/** Undefined where there is nothing to write. */
async function commit(
  deps: RegistryDeps,
  kind: Kind,
  { key, state, options, next }: Attempt & { readonly next: KubeObject },
): Promise<Storing | undefined> {
  const removes = isFinished(next);
  const claims = await deps.allocator.plan(kind, removes ? undefined : next, state.object, {
    dryRun: options.dryRun,
  });
  await validateAdmission(deps, kind, { next, current: state.object, options });
  const { subresource, served: resource = kind } = options.by;
  const write = { kind, resource, subresource, object: next, old: state.object };
  if (options.dryRun) {
    if (!removes) await deps.quotas.check(write);
    return undefined;
  }
  if (!removes && !state.isStale && sameWritten(next, state.object)) return undefined;
  const transaction = (first: Write) => ({
    compare: [{ key, modRevision: state.modRevision }, ...claims.compare],
    writes: [first, ...claims.writes],
  });
  const store = (wanted: Transaction) => deps.fence.commit(options.by.claim, wanted);
  if (!removes)
    return storeObject(deps, { kind, key, object: next }, (put) =>
      deps.quotas.commit(write, transaction(put), store),
    );
  const result = await store(transaction({ type: "delete", key }));
  if (!result.ok) return result;
  next.metadata.resourceVersion = String(result.revision);
  return { ...result, object: next };
}

interface Preconditions {
  readonly current: KubeObject;
  readonly key: string;
  readonly options: UpdateOptions;
}

function checkPreconditions(kind: Kind, next: KubeObject, { current, key, options }: Preconditions): void {
  const { uid, resourceVersion = "" } = next.metadata;
  const { name } = current.metadata;
  const resource = options.by.served ?? kind;
  if (!options.patches) checkUid(resource, name, { key, wanted: uid, found: current.metadata.uid });
  if (resourceVersion !== "") {
    checkVersionText(resourceVersion);
    if (BigInt(resourceVersion) !== 0n) {
      if (resourceVersion !== current.metadata.resourceVersion)
        throw conflict(resource, name, modifiedMeanwhile);
      return;
    }
  }
  if (kind.needsVersion && options.via !== "server" && !options.patches)
    throw invalid({ group: kind.group, kind: kind.plural }, name, [
      {
        reason: "FieldValueInvalid",
        field: "metadata.resourceVersion",
        message: "Invalid value: 0: must be specified for an update",
      },
    ]);
}

/** Fails with Conflict where an object is meant for another than the one that is there; `found` is empty for none. */
export function checkUid(
  resource: GroupResource,
  name: string,
  {
    key,
    wanted,
    found,
  }: { readonly key: string; readonly wanted: string | undefined; readonly found: string },
): void {
  if (wanted === undefined || wanted === "" || wanted === found) return;
  throw conflict(
    resource,
    name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`,
  );
}

/** Kubernetes fails with 500 here, and says no more than Go does. */
export function checkVersionText(text: string): void {
  if (/^\d+$/.test(text) && BigInt(text) < 2n ** 64n) return;
  const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  throw unknownError(`strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
}

interface Step {
  readonly next: KubeObject;
  readonly current: KubeObject;
  readonly options: UpdateOptions;
}

async function validateAdmission(
  deps: RegistryDeps,
  kind: Kind,
  { next, current, options }: Step,
): Promise<void> {
  const { by, dryRun } = options;
  if (options.validateAdmission !== undefined) return options.validateAdmission(next, current);
  await deps.admission.validate({ operation: "update", kind, object: next, old: current, by, dryRun });
}

async function prepare(deps: RegistryDeps, kind: Kind, { next, current, options }: Step): Promise<void> {
  const { via, by, dryRun } = options;
  keepServerMeta(next, current);
  if (options.record !== undefined) {
    kind.applyDefaults(next);
    options.record(next, current);
  }
  deps.allocator.carryOver(kind, next, current);
  if (options.record === undefined || kind.allocates !== undefined) kind.applyDefaults(next);
  if (options.validateAdmission === undefined) {
    await deps.admission.mutate({ operation: "update", kind, object: next, old: current, by, dryRun });
    const { resourceVersion } = next.metadata;
    if (resourceVersion !== current.metadata.resourceVersion)
      throw conflict(by.served ?? kind, current.metadata.name, modifiedMeanwhile);
  }
  // Whoever changed it meanwhile may change no more than who sent it.
  if (via === "status") keepAllButStatus(kind, next, current);
  fillInMeta(next, current);
  const part = typeof via === "object" ? via : undefined;
  const now = rfc3339(deps.clock.wallMs());
  if (part !== undefined) takeOnly(part, { next, current, now });
  const rules = rulesOf(kind, by.served);
  if (via === "object") rules.prepareForUpdate?.(next, current);
  if (via === "status") kind.prepareForStatus?.(next, current, now);
  if (via !== "server") kind.dropDisabled?.(next, current, deps.facts);
  // What the server decides, such as a pod's node, is no new wish.
  if (kind.hasGeneration && (via === "object" || part) && isNewWish(kind, next, current))
    next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  const kept = [...finalizerProblems(next, current), ...fixedMetaProblems(next, current)];
  const ownRules = rules.validate(next, deps.facts, current, via === "status" ? via : undefined);
  const problems = [
    ...(kind.validateChanged?.(next, {
      via: via === "object" || via === "server" ? "object" : "status",
      kept,
      rules: ownRules,
    }) ?? [
      // Kubernetes asks for these twice, and so says them twice.
      ...kept,
      ...kept,
      ...ownRules,
    ]),
    ...(via === "object" ? (rules.validateUpdate?.(next, current) ?? []) : []),
    ...(via === "status" ? (rules.validateStatus?.(next, current) ?? []) : []),
    ...(part?.validate(next, current) ?? []),
  ];
  if (problems.length > 0) throw invalid(kind, next.metadata.name, problems);
  keepTimes(next, current);
  if (via === "object") for (const warning of kind.warnings?.(next, current) ?? []) by.warn(warning);
}

/** Takes back what is neither status nor metadata, or what the kind keeps from who reports on it. Mutates `next`. */
function keepAllButStatus({ statusKeeps = [] }: Kind, next: KubeObject, current: KubeObject): void {
  const fields = new Set([...Object.keys(next), ...Object.keys(current)]);
  for (const own of ["metadata", "status"]) fields.delete(own);
  keepFields(next, current, [...fields]);
  keepFields(next.metadata, current.metadata, statusKeeps);
}

/** Leaves of a wish what may be changed through the part. Who recorded what is kept even where it is not stored, as in
 *  Kubernetes. Mutates `next`. */
function takeOnly(
  part: Part,
  { next, current, now }: Readonly<Record<"next" | "current", KubeObject>> & { readonly now: string },
): void {
  const { spec, status } = part.take(current, next, now);
  Object.assign(next, { spec, status });
  if (part.withMetadata) return;
  keepFields(next.metadata, current.metadata, ["labels", "annotations", "finalizers", "ownerReferences"]);
}

/** Where Go's types are compared, nothing and an empty list are one. */
function isNewWish({ alsoCounted, schema }: Kind, next: KubeObject, current: KubeObject): boolean {
  const isSame = schema === undefined ? sameValue : sameJson;
  return !isSame(next.spec, current.spec) || !isSame(alsoCounted?.(next) ?? {}, alsoCounted?.(current) ?? {});
}

/** Being deleted, with nothing left that somebody must do first. */
export function isFinished(object: KubeObject): boolean {
  const { metadata } = object;
  if (metadata.deletionTimestamp === undefined) return false;
  if ((metadata.finalizers ?? []).length > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return false;
  const isNamespace = object.kind === "Namespace" && object.apiVersion === "v1";
  return !isNamespace || !isObject(object.spec) || listOf(objectOf(object.spec).finalizers).length === 0;
}
