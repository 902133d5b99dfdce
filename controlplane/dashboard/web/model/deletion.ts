import type { Metadata } from "../../../../client/rules/printed-table.ts";

export type Propagation = "Background" | "Foreground" | "Orphan";

/** An object, as far as it matters who owns it. */
export interface Listed {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: Metadata;
}

/** An object that belongs to one that is deleted. */
export interface Dependent {
  readonly object: Listed;
  readonly fate:
    | { readonly is: "goes" }
    /** It stays without an owner. */
    | { readonly is: "orphaned" }
    /** It stays: others own it as well. */
    | { readonly is: "kept"; readonly by: readonly string[] };
  readonly dependents: readonly Dependent[];
}

/** An object that stays, marked as deleted, until somebody takes its finalizers away. */
export interface Held {
  readonly object: Listed;
  readonly finalizers: readonly string[];
}

export interface Deletion {
  readonly dependents: readonly Dependent[];
  /** How many go, by kind, most first; the object itself is not counted. */
  readonly counts: readonly (readonly [string, number])[];
  readonly held: readonly Held[];
}

/** Finalizers of deleting itself: garbage collection takes them away. */
const ownFinalizers = new Set(["foregroundDeletion", "orphan", "kubernetes"]);

/** What garbage collection takes when an object is deleted: whatever it owns and nobody else does, and so on down. Pure.
 *  @param others every object that may belong to it
 *  @param isThere whether an owner that is none of `others` is there */
export function deletionOf(
  root: Listed,
  others: readonly Listed[],
  policy: Propagation,
  isThere: (uid: string) => boolean = () => true,
): Deletion {
  const rootUid = root.metadata.uid ?? "";
  const known = new Set(others.flatMap(({ metadata: { uid } }) => uid ?? []));
  const owned = new Map<string, Listed[]>();
  for (const object of others)
    for (const { uid } of object.metadata.ownerReferences ?? [])
      if (object.metadata.uid !== rootUid) owned.set(uid, [...(owned.get(uid) ?? []), object]);
  const goes = new Set([rootUid]);
  if (policy !== "Orphan") {
    const open = [rootUid];
    for (let uid = open.pop(); uid !== undefined; uid = open.pop())
      for (const object of owned.get(uid) ?? []) {
        const own = object.metadata.uid ?? "";
        const isLeft = ({ uid: owner }: { readonly uid: string }) =>
          !goes.has(owner) && (known.has(owner) || isThere(owner));
        if (goes.has(own) || object.metadata.ownerReferences?.some(isLeft)) continue;
        goes.add(own);
        open.push(own);
      }
  }
  const seen = new Set([rootUid]);
  const below = (uid: string): readonly Dependent[] =>
    (owned.get(uid) ?? []).flatMap((object): Dependent[] => {
      const own = object.metadata.uid ?? "";
      if (seen.has(own)) return [];
      seen.add(own);
      if (goes.has(own)) return [{ object, fate: { is: "goes" }, dependents: below(own) }];
      const others = (object.metadata.ownerReferences ?? []).filter((owner) => !goes.has(owner.uid));
      const by = others.map(({ kind, name }) => `${kind} ${name}`);
      const fate = by.length > 0 ? ({ is: "kept", by } as const) : ({ is: "orphaned" } as const);
      return [{ object, fate, dependents: [] }];
    });
  const dependents = below(rootUid);
  const going = [root, ...others.filter(({ metadata: { uid } }) => uid !== rootUid && goes.has(uid ?? ""))];
  return { dependents, counts: countsOf(going.slice(1)), held: heldOf(going) };
}

/** Of a namespace or a definition goes all that is in it, whoever owns it. Pure. */
export const deletionOfAll = (root: Listed, all: readonly Listed[]): Deletion => ({
  dependents: [],
  counts: countsOf(all),
  held: heldOf([root, ...all]),
});

function countsOf(objects: readonly Listed[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { kind } of objects) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort(([a, many], [b, more]) => more - many || a.localeCompare(b));
}

const heldOf = (objects: readonly Listed[]): readonly Held[] =>
  objects.flatMap((object) => {
    const finalizers = (object.metadata.finalizers ?? []).filter((name) => !ownFinalizers.has(name));
    return finalizers.length > 0 ? [{ object, finalizers }] : [];
  });

/** `3 pods`, `1 ReplicaSet`. Pure. */
export const countText = ([kind, count]: readonly [string, number]): string => `${count} × ${kind}`;
