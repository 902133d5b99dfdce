import { changedFields, ownedFields } from "./changed-fields.ts";
import type { FieldTree } from "./field-set.ts";
import { isEmptyTree } from "./field-tree.ts";
import type { SchemaType } from "./load.ts";

type Json = Readonly<Record<string, unknown>>;

/** The fields that the maker of a new object sets, as they are recorded; undefined where there are none. Pure.
 *  @param resets Paths like `f:status`: neither they nor what is below them count. */
export function newFields(type: SchemaType, object: Json, resets: readonly string[]): FieldTree | undefined {
  // Where there is an object there is metadata.
  const change = changedFields(type, { before: { metadata: {} }, after: object }, resets);
  const owned = ownedFields(change);
  return isEmptyTree(owned) ? undefined : owned;
}
