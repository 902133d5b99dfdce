import type { KubeObject } from "../../../client/types.ts";
import type { ServedKind } from "./kind-table.ts";
import { type FieldRequirement, matchesFields } from "./selectors.ts";
import { knowing } from "./slow-conversion.ts";
import type { StoredObject } from "./stored-object.ts";

/** Selecting objects that others convert by fields of the version in which they are asked for: what an object says there is
 *  known once those were asked. */

/** Stored objects once others have converted them. */
export interface KnownObjects {
  /** The form, which knows them. */
  readonly served: ServedKind;
  /** What was converted: a stored object that is history by then makes another one of itself when it is asked again. */
  readonly objects: ReadonlyMap<StoredObject, KubeObject>;
}

/** All of them converted at once. */
export async function knowingStored(
  served: ServedKind,
  stored: readonly StoredObject[],
): Promise<KnownObjects> {
  const objects = new Map(stored.map((one) => [one, one.object]));
  return { served: await knowing(served, [...objects.values()]), objects };
}

export interface ShownSelection {
  readonly items: readonly StoredObject[];
  /** Where they had to be converted to be selected. */
  readonly known?: KnownObjects;
}

/** Those of the objects that meet the requirements in that version. */
export async function selectShown(
  served: ServedKind,
  requirements: readonly FieldRequirement[],
  objects: readonly StoredObject[],
): Promise<ShownSelection> {
  if (requirements.length === 0 || objects.length === 0) return { items: objects };
  const known = await knowingStored(served, objects);
  const meets = (object: KubeObject) => meetsShown(known.served, requirements, object);
  return { items: objects.filter((stored) => meets(known.objects.get(stored) ?? stored.object)), known };
}

/** @param known A form that knows the object. */
export function meetsShown(
  { slow, convert }: ServedKind,
  requirements: readonly FieldRequirement[],
  object: KubeObject,
): boolean {
  if (requirements.length === 0 || slow === undefined || convert === undefined) return true;
  return matchesFields(requirements, slow.fieldTexts(convert.toServed(object)));
}
