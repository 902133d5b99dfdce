import { escapedName } from "../../cel/field-names.ts";
import { type CelType, listOf, mapOf, types } from "../../cel/types.ts";
import type { JsonSchema } from "../customresources/json-schema.ts";
import { typeOf as schemaTypeOf, withMeta } from "../customresources/schema-types.ts";
import { findTypeName, type SchemaField, typeOf } from "../schema/load.ts";

/** A kind as expressions see it whose types are checked (k8s.io/apiserver's pkg/cel/openapi): what its schema in OpenAPI says
 *  of it. Undefined: nothing. Pure but for the schema that `../schema/load.ts` reads. */
export function builtInType(apiVersion: string, kind: string): CelType | undefined {
  const model = findTypeName(apiVersion, kind);
  return model === undefined ? undefined : modelType(model, kind, new Set());
}

/** @param schema As OpenAPI v3 shows it. */
export function customType(kind: string, schema: JsonSchema): CelType | undefined {
  const type = schemaTypeOf(withMeta(schema));
  if (type?.kind !== "object") return type;
  const metadata = modelType("V1ObjectMeta", `${kind}.metadata`, new Set());
  return { ...type, fields: new Map([...type.fields, ["metadata", metadata]]) };
}

/** @param around The models that this one stands in: inside itself it counts as an object without fields. */
function modelType(model: string, name: string, around: ReadonlySet<string>): CelType {
  const fields = new Map<string, CelType>();
  if (!around.has(model))
    for (const [key, field] of Object.entries(typeOf(model)?.fields ?? {})) {
      const type = fieldType(field, `${name}.${key}`, new Set([...around, model]));
      const escaped = escapedName(key);
      if (type !== undefined && escaped !== undefined) fields.set(escaped, type);
    }
  return { kind: "object", name, fields };
}

function fieldType(field: SchemaField, name: string, around: ReadonlySet<string>): CelType | undefined {
  const value = valueType(field, name, around);
  if (value === undefined) return undefined;
  switch (field.c) {
    case "list":
      return listOf(value);
    case "map":
      return mapOf(types.string, value);
    case "mapOfLists":
      return mapOf(types.string, listOf(value));
    default:
      return value;
  }
}

function valueType(field: SchemaField, name: string, around: ReadonlySet<string>): CelType | undefined {
  switch (field.t) {
    case "string":
      return types.string;
    case "bytes":
      return types.bytes;
    case "boolean":
      return types.bool;
    case "integer":
      return types.int;
    case "number":
      return types.double;
    case "time":
    case "microtime":
      return types.timestamp;
    case "intOrString":
      return types.dyn;
    case "any":
      return { kind: "object", name, fields: new Map() };
  }
  // Quantities, and what may be anything, have no one type in OpenAPI.
  return typeOf(field.t) === undefined ? undefined : modelType(field.t, name, around);
}
