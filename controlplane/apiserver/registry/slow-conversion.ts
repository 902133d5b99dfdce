import type { KubeObject } from "../../../client/types.ts";
import type { JsonObject } from "../json.ts";
import type { ServedKind } from "./kind-table.ts";

interface Convertible {
  readonly convert?: ServedKind["convert"] | undefined;
  readonly slow?: ServedKind["slow"] | undefined;
}

/** The same form, which knows these objects, all converted at once. */
export async function knowing<F extends Convertible>(form: F, objects: readonly KubeObject[]): Promise<F> {
  const { slow, convert } = form;
  if (slow === undefined || convert === undefined || objects.length === 0) return form;
  const asked = [...new Set(objects)];
  const made = await slow.toServed(asked);
  const known = new Map(asked.map((object, index) => [object, made[index]]));
  return {
    ...form,
    convert: { ...convert, toServed: (object: KubeObject) => known.get(object) ?? convert.toServed(object) },
  };
}

/** The object as the form shows it. */
export async function shownIn(form: Convertible, object: KubeObject): Promise<JsonObject> {
  const { convert } = await knowing(form, [object]);
  return convert === undefined ? { ...object } : convert.toServed(object);
}

/** What passed the form's own schema, as it is stored. */
export async function storedFrom({ convert, slow }: Convertible, object: JsonObject): Promise<JsonObject> {
  if (slow !== undefined) return slow.fromServed(object);
  return convert === undefined ? object : convert.fromServed(object);
}
