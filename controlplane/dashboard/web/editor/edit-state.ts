import { isSameJson } from "../../../../base/same-json.ts";
import type { KubeObject } from "../api/object-feed.ts";
import { type EditScope, editablePart } from "../model/editable.ts";
import { type Collision, type Merged, mergeThree, type Side } from "../model/merge-objects.ts";
import type { SchemaNode } from "../model/schema.ts";

/** Where an edit stands against the object as it is now. */
export type Standing =
  /** Nothing of what people write has changed; the newest state of the object counts as the one the edit began with. */
  | { readonly is: "current" }
  | { readonly is: "behind"; readonly merged: Merged | undefined; readonly all: readonly Collision[] }
  | { readonly is: "gone" }
  /** Deleted, and made anew by somebody under the same name. */
  | { readonly is: "replaced" };

interface Given {
  readonly base: KubeObject;
  /** As written; undefined where the text cannot be read. */
  readonly mine: unknown;
  /** Undefined: it is not known, or not there any more. */
  readonly live: KubeObject | undefined;
  readonly isGone: boolean;
  readonly scope: EditScope;
  readonly schema: SchemaNode | undefined;
  readonly chosen: ReadonlyMap<string, Side>;
}

/** Pure. */
export function standingOf({ base, mine, live, isGone, scope, schema, chosen }: Given): Standing {
  if (live === undefined) return { is: isGone ? "gone" : "current" };
  if (live.metadata.uid !== base.metadata.uid) return { is: "replaced" };
  const sides = { base: editablePart(base, scope), mine, theirs: editablePart(live, scope) };
  if (isSameJson(sides.base, sides.theirs)) return { is: "current" };
  if (mine === undefined) return { is: "behind", merged: undefined, all: [] };
  return {
    is: "behind",
    merged: mergeThree(sides, schema, chosen),
    all: mergeThree(sides, schema).collisions,
  };
}

interface Managed {
  readonly manager?: string;
  readonly subresource?: string;
  readonly time?: string;
}

/** Who changed an object between two states of it, as its managed fields say. Pure. */
export function changersOf(from: KubeObject, to: KubeObject): readonly string[] {
  const entries = ({ metadata }: KubeObject) =>
    ((metadata as { readonly managedFields?: readonly Managed[] }).managedFields ?? []).filter(
      ({ subresource }) => subresource !== "status",
    );
  const before = entries(from);
  const since = (isOld: (one: Managed, other: Managed) => boolean) =>
    entries(to).filter((one) => !before.some((other) => isOld(one, other)));
  // Whoever loses a field to another has another entry, of the same time. Changes of one second are told apart by their fields.
  const newer = since((one, other) => one.manager === other.manager && one.time === other.time);
  const fresh = newer.length > 0 ? newer : since(isSameJson);
  return [...new Set(fresh.flatMap(({ manager }) => manager ?? []))];
}
