import { selectPath } from "../../../base/json-path.ts";
import { isObject } from "../json.ts";
import type { FieldLabels } from "../registry/kind.ts";
import type { DefinitionVersion } from "./definition.ts";
import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

/** The fields by which the objects of a version can be selected, and what they say. Pure. */

type Version = Pick<DefinitionVersion, "name" | "selectableFields">;

/** As clients name them. */
export function fieldsOf({ selectableFields = [] }: Pick<Version, "selectableFields">): readonly string[] {
  return selectableFields.map(({ jsonPath }) => jsonPath.replace(/^\./, ""));
}

export function metaLabels(namespaced: boolean): FieldLabels {
  return {
    "metadata.name": "metadata.name",
    ...(namespaced && { "metadata.namespace": "metadata.namespace" }),
  };
}

/** Each version has its own fields, and its own defaults of them: their names among those of all versions. */
export function versionLabels(version: Version): FieldLabels {
  return Object.fromEntries(fieldsOf(version).map((field) => [field, `${version.name}:${field}`]));
}

/** What an object of a version says, by field. */
export function textsOf(shown: object, version: Version): Readonly<Record<string, string>> {
  const texts = fieldsOf(version).map((field) => [field, textOf(selectPath(`.${field}`, shown)[0])]);
  return Object.fromEntries(texts);
}

/** What a stored object says in a version that differs by its schema alone, by the labels' names: found without making the
 *  object as the version shows it. */
export function storedTexts(
  object: object,
  version: Version,
  schema: JsonSchema,
): readonly (readonly [string, string])[] {
  return Object.entries(versionLabels(version)).map(([field, name]) => [
    name,
    textOf(shownAt(object, field.split("."), schema)),
  ]);
}

/** The value at a path of plain names, once nulls that may not be are gone and the schema's defaults are filled in. */
function shownAt(object: unknown, path: readonly string[], root: JsonSchema): unknown {
  let value = object;
  let schema: JsonSchema | undefined = root;
  for (const name of path) {
    if (!isObject(value)) return undefined;
    const inner: JsonSchema | undefined = schema && (propertyOf(schema, name) ?? additionalOf(schema));
    const said = Object.hasOwn(value, name) ? value[name] : undefined;
    const isMissing = said === undefined || (said === null && inner?.nullable !== true);
    value = isMissing ? inner?.default : said;
    schema = inner;
  }
  return value;
}

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : String(value);
}
