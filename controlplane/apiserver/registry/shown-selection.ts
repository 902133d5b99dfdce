import type { KubeObject } from "../../../client/types.ts";
import type { ServedKind } from "./kind-table.ts";
import { type FieldRequirement, matchesFields } from "./selectors.ts";
import { knowing } from "./slow-conversion.ts";
import type { StoredObject } from "./stored-object.ts";

/** Selecting objects that others convert by fields of the version in which they are asked for: what an object says there is
 *  known once those were asked. */

/** Those of the objects that meet the requirements in that version. */
export async function selectShown(
  served: ServedKind,
  requirements: readonly FieldRequirement[],
  objects: readonly StoredObject[],
): Promise<readonly StoredObject[]> {
  if (requirements.length === 0 || objects.length === 0) return objects;
  const pairs = objects.map((stored) => ({ stored, object: stored.object }));
  const known = await knowing(
    served,
    pairs.map(({ object }) => object),
  );
  return pairs.filter(({ object }) => meetsShown(known, requirements, object)).map(({ stored }) => stored);
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
