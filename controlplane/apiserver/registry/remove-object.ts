import { cloneJson } from "../../../base/clone-json.ts";
import type { KubeObject } from "../../../client/types.ts";
import { admitDeletion, type Requester } from "../admission/admission.ts";
import { conflict, modifiedMeanwhile, notFound } from "../api-error.ts";
import { type CurrentState, firstState, liveState, stateOf } from "./current-state.ts";
import type { Kind } from "./kind.ts";
import { rfc3339, sameJson } from "./object-meta.ts";
import { type RegistryDeps, updateAttemptsMax } from "./registry-deps.ts";
import type { Write } from "./storage.ts";
import { storeObject } from "./store-object.ts";
import { objectKey } from "./stored-object.ts";
import { type Address, isFinished } from "./update-object.ts";

export interface RemoveOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly by: Requester;
  /** The caller has asked admission by itself, of something else than the deletion (an Eviction). */
  readonly isAdmitted?: true;
  /** Notes in the object, by the same write, why it goes; mutates. */
  readonly mark?: (object: KubeObject) => void;
}

/** The object's last state, read-only unless `removed`; `removed` when it is gone, else it waits for a grace period or
 *  finalizers. */
export interface Removal {
  readonly object: KubeObject;
  readonly removed: boolean;
}

/** Deletes an object, or begins to. Fails with NotFound and Conflict. */
export async function removeObject(
  deps: RegistryDeps,
  kind: Kind,
  address: Address,
  options: RemoveOptions,
): Promise<Removal> {
  const key = objectKey(kind, address.namespace, address.name);
  const resource = options.by.served ?? kind;
  let state = await (options.dryRun || options.preconditions ? liveState : firstState)(deps, kind, key);
  // Marked by us, from a state that the preconditions held for.
  let ours: CurrentState | undefined;
  for (let attempt = 1; attempt <= updateAttemptsMax; attempt++) {
    if (state === undefined) throw notFound(resource, address.name);
    const current = state.object;
    if (state !== ours) {
      checkPreconditions(kind, current, options);
      const { by, dryRun } = options;
      if (!options.isAdmitted)
        await admitDeletion(deps.admission, { operation: "delete", kind, old: current, by, dryRun });
    }
    const next = markedForDeletion(kind, current, { ...options, nowMs: deps.clock.wallMs() });
    const removed = isFinished(next);
    // What goes at once was never seen going.
    const last = removed && kind.gracePeriodSeconds === undefined ? cloneJson(current) : next;
    if (options.dryRun) return { object: last, removed };
    if (!removed && sameJson(next, current)) {
      if (state.isLive) return { object: next, removed };
      state = await liveState(deps, kind, key);
      continue;
    }
    // What goes in its own time is first seen going, by whoever watches, even where no time is left.
    const marksFirst = removed && kind.gracePeriodSeconds !== undefined && !sameJson(next, current);
    if (marksFirst) {
      ({ state, ours } = await marked(deps, kind, { key, state, next, claim: options.by.claim }));
      continue;
    }
    const claims = await deps.allocator.plan(kind, removed ? undefined : next, current);
    const { modRevision } = state;
    const commit = (first: Write) =>
      deps.fence.commit(options.by.claim, {
        compare: [{ key, modRevision }, ...claims.compare],
        writes: [first, ...claims.writes],
      });
    if (!removed) {
      const stored = await storeObject(deps, { kind, key, object: next }, commit);
      if (stored.ok) return { object: stored.object, removed };
      state = stateOf(kind, stored.current[0]);
      continue;
    }
    const result = await commit({ type: "delete", key });
    if (result.ok) {
      last.metadata.resourceVersion = String(result.revision);
      return { object: last, removed };
    }
    state = stateOf(kind, result.current[0]);
  }
  throw conflict(resource, address.name, modifiedMeanwhile);
}

interface Marking {
  readonly key: string;
  readonly state: CurrentState;
  readonly next: KubeObject;
  readonly claim: Requester["claim"];
}

/** The state to go on from once the object is stored as one being deleted, or somebody else was faster; `ours` is the first. */
async function marked(
  deps: RegistryDeps,
  kind: Kind,
  { key, state, next, claim }: Marking,
): Promise<Readonly<Record<"state" | "ours", CurrentState | undefined>>> {
  const claims = await deps.allocator.plan(kind, next, state.object);
  const result = await storeObject(deps, { kind, key, object: next }, (put) =>
    deps.fence.commit(claim, {
      compare: [{ key, modRevision: state.modRevision }, ...claims.compare],
      writes: [put, ...claims.writes],
    }),
  );
  if (!result.ok) return { state: stateOf(kind, result.current[0]), ours: undefined };
  const ours: CurrentState = { object: result.object, modRevision: result.revision, isLive: true };
  return { state: ours, ours };
}

function checkPreconditions(kind: Kind, current: KubeObject, { preconditions }: RemoveOptions): void {
  const { name, uid, resourceVersion } = current.metadata;
  const wants = preconditions ?? {};
  // Kubernetes speaks of the kind here, where other conflicts name the resource: but not where it marks in a way of its own.
  const isMarked = kind.prepareForDelete !== undefined;
  const what = { group: kind.group, plural: isMarked ? kind.plural : kind.kind };
  if (wants.uid !== undefined && wants.uid !== uid)
    throw conflict(
      what,
      name,
      isMarked
        ? `Precondition failed: UID in precondition: ${wants.uid}, UID in object meta: ${uid}`
        : `the UID in the precondition (${wants.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  if (wants.resourceVersion !== undefined && wants.resourceVersion !== resourceVersion)
    throw conflict(
      what,
      name,
      isMarked
        ? `Precondition failed: ResourceVersion in precondition: ${wants.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`
        : `the ResourceVersion in the precondition (${wants.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
}

/** current -> being deleted. The object with its deletion time, grace period and finalizers as the options ask. Pure.
 *  A second deletion can shorten the grace period, never lengthen it. */
export function markedForDeletion(
  kind: Kind,
  current: KubeObject,
  options: RemoveOptions & { readonly nowMs: number },
): KubeObject {
  const next = cloneJson(current);
  const { metadata } = next;
  options.mark?.(next);
  setFinalizers(kind, next, options.propagationPolicy);
  const askedSeconds = atLeastGraceful(options.gracePeriodSeconds);
  if (metadata.deletionTimestamp === undefined) {
    const graceSeconds = kind.gracePeriodSeconds?.(current, askedSeconds) ?? 0;
    metadata.deletionTimestamp = rfc3339(options.nowMs + graceSeconds * 1000);
    // What is marked in a way of its own (namespaces) goes without it in Kubernetes.
    if (kind.prepareForDelete !== undefined) kind.prepareForDelete(next, metadata.deletionTimestamp);
    else {
      metadata.deletionGracePeriodSeconds = graceSeconds;
      if (metadata.generation !== undefined) metadata.generation++;
    }
  } else if (askedSeconds !== undefined && askedSeconds < (metadata.deletionGracePeriodSeconds ?? 0)) {
    const began = Date.parse(metadata.deletionTimestamp) - (metadata.deletionGracePeriodSeconds ?? 0) * 1000;
    const ends = began + askedSeconds * 1000;
    // Who asked for a grace that is over by now leaves the end to the node all the same.
    const isOver = ends < options.nowMs;
    metadata.deletionTimestamp = rfc3339(isOver ? options.nowMs : ends);
    metadata.deletionGracePeriodSeconds = isOver ? Math.min(askedSeconds, 1) : askedSeconds;
  }
  return next;
}

/** Less than nothing is a second, as Kubernetes takes it: still for the node to end. */
const atLeastGraceful = (seconds: number | undefined) => (seconds !== undefined && seconds < 0 ? 1 : seconds);

const orphanFinalizer = "orphan";
const foregroundFinalizer = "foregroundDeletion";

function setFinalizers(kind: Kind, next: KubeObject, policy: RemoveOptions["propagationPolicy"]): void {
  const before = next.metadata.finalizers ?? [];
  const rest = before.filter((one) => one !== orphanFinalizer && one !== foregroundFinalizer);
  const said = before.length > rest.length;
  const chosen = policy ?? (said ? undefined : kind.orphansByDefault ? "Orphan" : "Background");
  if (chosen === undefined) return;
  if (chosen === "Orphan") rest.push(orphanFinalizer);
  if (chosen === "Foreground") rest.push(foregroundFinalizer);
  if (rest.length > 0) next.metadata.finalizers = rest;
  else delete next.metadata.finalizers;
}
