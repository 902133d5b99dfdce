import { isKnownFormat } from "../../../client/rules/text-formats.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What whoever writes a definition is told of formats that nobody knows: nothing is checked by them. What `before` names is
 *  told of no more. Pure. */
export function formatWarnings(
  schemas: readonly JsonSchema[],
  before: readonly JsonSchema[] = [],
): readonly string[] {
  const known = new Set(before.flatMap(unknownFormats));
  const added = schemas.flatMap(unknownFormats).filter((format) => !known.has(format));
  return [...new Set(added)].map((format) => `unrecognized format ${JSON.stringify(format)}`);
}

function unknownFormats(schema: JsonSchema): readonly string[] {
  const { type, format = "" } = schema;
  const own = format === "" || isKnownFormat({ ...(type !== undefined && { type }), format }) ? [] : [format];
  return [...own, ...innerSchemas(schema).flatMap(unknownFormats)];
}

function innerSchemas(schema: JsonSchema): readonly JsonSchema[] {
  const { items, properties = {}, additionalProperties, allOf = [], oneOf = [], anyOf = [], not } = schema;
  const { patternProperties = {}, definitions = {} } = schema as OfOld;
  return [
    ...(items === undefined ? [] : [items].flat()),
    ...[...allOf, ...anyOf, ...oneOf],
    ...(not === undefined ? [] : [not]),
    ...Object.values(properties),
    ...(typeof additionalProperties === "object" ? [additionalProperties] : []),
    ...[...Object.values(patternProperties), ...Object.values(definitions)],
  ];
}

/** No structural schema has them, and definitions may hold other schemas from before. */
type OfOld = Readonly<
  Partial<Record<"patternProperties" | "definitions", Readonly<Record<string, JsonSchema>>>>
>;
