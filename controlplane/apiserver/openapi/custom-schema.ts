import type { JsonSchema } from "../customresources/json-schema.ts";
import type { Dialect } from "./dialect.ts";

/** What a definition of custom resources says of its objects, as OpenAPI tells it. Pure. */

type Mutable = { -readonly [Name in keyof JsonSchema]: JsonSchema[Name] };

/** Fields that mean nothing where they are false, empty or null, and are left out then. */
const meaningless = (value: unknown) =>
  value === undefined || value === null || value === false || value === "";

/** The schema as v3 writes it: an int-or-string says of which types it is. */
export function openApiV3Schema(schema: JsonSchema): JsonSchema {
  const out = plainSchema(schema, openApiV3Schema);
  if (out["x-kubernetes-int-or-string"] !== true || tellsTypes(out)) return out;
  if (out.anyOf === undefined) return { ...out, anyOf: intOrString };
  return { ...out, allOf: [{ anyOf: intOrString }, ...(out.allOf ?? [])] };
}

const intOrString: readonly JsonSchema[] = [{ type: "integer" }, { type: "string" }];

function tellsTypes({ anyOf, allOf }: JsonSchema): boolean {
  const says = (schemas: readonly JsonSchema[] = []) =>
    schemas.length === 2 && schemas[0]?.type === "integer" && schemas[1]?.type === "string";
  return says(anyOf) || says(allOf?.[0]?.anyOf);
}

/** The schema without what v2 cannot say, or what kubectl takes amiss there: combinations, types of what may be null or
 *  anything, and defaults, which v2 leaves out of all kinds. */
export function openApiV2Schema(schema: JsonSchema): JsonSchema {
  const out: Mutable = { ...plainSchema(schema, (one) => one) };
  for (const name of ["allOf", "oneOf", "anyOf", "not", "default"] as const) delete out[name];
  const isFree = out["x-kubernetes-preserve-unknown-fields"] === true;
  if (schema.nullable === true)
    for (const name of ["nullable", "type", "items", "properties"] as const) delete out[name];
  if (isFree) for (const name of ["items", "properties"] as const) delete out[name];
  if ((out.type === "array" && out.items === undefined) || (isFree && out.type === "object")) delete out.type;
  const required = (out.required ?? []).filter(
    (name) => schema.properties?.[name]?.nullable !== true || out.properties === undefined,
  );
  const { additionalProperties: rest } = schema;
  if (required.length === 0 || (typeof rest === "object" && rest.nullable === true)) delete out.required;
  else out.required = required;
  return withParts(out, openApiV2Schema);
}

function plainSchema(schema: JsonSchema, inner: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const kept = Object.entries(schema).filter(([name, value]) =>
    name === "default"
      ? value !== undefined && value !== null
      : name === "additionalProperties" || !meaningless(value),
  );
  return withParts(Object.fromEntries(kept) as JsonSchema, inner);
}

function withParts(schema: JsonSchema, inner: (schema: JsonSchema) => JsonSchema): JsonSchema {
  const { items, properties, additionalProperties } = schema;
  return {
    ...schema,
    ...(items !== undefined && { items: inner(items) }),
    ...(properties !== undefined && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, inner(one)])),
    }),
    ...(typeof additionalProperties === "object" && { additionalProperties: inner(additionalProperties) }),
  };
}

/** Adds what every object within an object has: apiVersion, kind and metadata. */
export function withEmbedded(
  schema: JsonSchema,
  { dialect, inV2 }: { readonly dialect: Dialect; readonly inV2: boolean },
): JsonSchema {
  const out = withParts(schema, (one) => withEmbedded(one, { dialect, inV2 }));
  if (out["x-kubernetes-embedded-resource"] !== true) return out;
  // kubectl would take the properties that are named for all that there are.
  if (inV2 && out["x-kubernetes-preserve-unknown-fields"] === true) return out;
  const { required = [] } = out;
  return {
    ...out,
    properties: { ...out.properties, ...embeddedMeta(dialect) },
    required: [...required, ...["kind", "apiVersion"].filter((name) => !required.includes(name))],
  };
}

const conventions = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";

function embeddedMeta(dialect: Dialect): Record<string, object> {
  return {
    apiVersion: {
      description: `apiVersion defines the versioned schema of this representation of an object. More info: ${conventions}#resources`,
      type: "string",
    },
    kind: {
      description: `kind is a string value representing the type of this object. In CamelCase. More info: ${conventions}#types-kinds`,
      type: "string",
    },
    metadata: objectMeta(dialect),
  };
}

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";

export function objectMeta(dialect: Dialect): object {
  const description = `Standard object's metadata. More info: ${conventions}#metadata`;
  return { description, ...dialect.beside(dialect.refTo(`${meta}.ObjectMeta`)) };
}

export function listMeta(dialect: Dialect): object {
  const description = `Standard list metadata. More info: ${conventions}#types-kinds`;
  return { description, ...dialect.beside(dialect.refTo(`${meta}.ListMeta`)) };
}

export const moreInfo = `More info: ${conventions}`;
