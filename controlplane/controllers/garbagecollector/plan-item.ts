import type { Meta, OwnerReference } from "../../../client/types.ts";
import { foregroundFinalizer, type GraphNode, orphanFinalizer } from "./owner-graph.ts";

/** An owner as the API shows it right now. `unknown`: its kind is not served, so nothing can be said. */
export type OwnerState = "absent" | "present" | "waitingForDependents" | "unknown";

export type GarbageAction =
  | { readonly action: "delete"; readonly policy: "Background" | "Foreground" | "Orphan" }
  /** Write these ownerReferences in place of the present ones. */
  | { readonly action: "setOwners"; readonly ownerReferences: readonly OwnerReference[] }
  | { readonly action: "removeFinalizer"; readonly finalizer: string }
  /** Let these dependents go, by uid. */
  | { readonly action: "orphanDependents"; readonly uids: readonly string[] }
  /** Look at these, which hold this one up. */
  | { readonly action: "look"; readonly uids: readonly string[] };

/** What to do with an object, read afresh from the API together with each of its owners. `dependents` come from the
 *  graph. Pure. */
export function planItem(
  live: { readonly metadata: Meta },
  owners: ReadonlyMap<string, OwnerState>,
  dependents: readonly GraphNode[],
): readonly GarbageAction[] {
  const { metadata } = live;
  const finalizers = metadata.finalizers ?? [];
  if (metadata.deletionTimestamp !== undefined) return planDeletion(metadata, finalizers, dependents);
  const references = metadata.ownerReferences ?? [];
  if (references.length === 0) return [];
  const inState = (state: OwnerState) => references.filter(({ uid }) => owners.get(uid) === state);
  // One that cannot be looked up counts as there: better to keep too much.
  const solid = references.filter(
    ({ uid }) => !["absent", "waitingForDependents"].includes(owners.get(uid) ?? "unknown"),
  );
  if (solid.length > 0)
    return solid.length === references.length ? [] : [{ action: "setOwners", ownerReferences: solid }];
  if (inState("waitingForDependents").length > 0 && dependents.length > 0) {
    const circle = dependents.some((dependent) => dependent.foreground);
    const unblocked = references.map((reference) => ({ ...reference, blockOwnerDeletion: false }));
    const blocks = references.some(({ blockOwnerDeletion }) => blockOwnerDeletion === true);
    return [
      // In a circle of owners each waits for the next: this one steps out of it.
      ...(circle && blocks ? [{ action: "setOwners", ownerReferences: unblocked } as const] : []),
      { action: "delete", policy: "Foreground" },
    ];
  }
  return [{ action: "delete", policy: policyOf(finalizers) }];
}

/** Being deleted already: the garbage collector's own finalizers are its to take off. */
function planDeletion(
  metadata: Meta,
  finalizers: readonly string[],
  dependents: readonly GraphNode[],
): readonly GarbageAction[] {
  if (finalizers.includes(orphanFinalizer))
    return [
      { action: "orphanDependents", uids: dependents.map(({ uid }) => uid) },
      { action: "removeFinalizer", finalizer: orphanFinalizer },
    ];
  if (!finalizers.includes(foregroundFinalizer)) return [];
  const blocking = dependents.filter(({ owners }) =>
    owners.some(({ uid, blockOwnerDeletion }) => uid === metadata.uid && blockOwnerDeletion === true),
  );
  if (blocking.length === 0) return [{ action: "removeFinalizer", finalizer: foregroundFinalizer }];
  const idle = blocking.filter(({ beingDeleted }) => !beingDeleted);
  return idle.length === 0 ? [] : [{ action: "look", uids: idle.map(({ uid }) => uid) }];
}

function policyOf(finalizers: readonly string[]): "Background" | "Foreground" | "Orphan" {
  if (finalizers.includes(orphanFinalizer)) return "Orphan";
  return finalizers.includes(foregroundFinalizer) ? "Foreground" : "Background";
}
