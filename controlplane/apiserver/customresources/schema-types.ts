import { escapedName } from "../../cel/field-names.ts";
import { parseDuration, parseTimestamp } from "../../cel/functions/time.ts";
import { untypedValue } from "../../cel/json-values.ts";
import { type CelType, listOf, mapOf, types } from "../../cel/types.ts";
import { CelError, CelList, CelMap, type Value } from "../../cel/values.ts";
import { isObject } from "../json.ts";
import { additionalOf, type JsonSchema } from "./json-schema.ts";

/** A schema as expressions see it (k8s.io/apiserver's pkg/cel/common): its types, and values of it. Pure. */

const text: JsonSchema = { type: "string" };

/** What every resource has, whatever its schema says. */
export function withMeta(schema: JsonSchema): JsonSchema {
  const { kind, apiVersion, metadata } = schema.properties ?? {};
  const { name, generateName } = metadata?.properties ?? {};
  const texts = [kind, apiVersion, name, generateName];
  if (metadata?.type === "object" && texts.every((one) => one?.type === "string")) return schema;
  return {
    ...schema,
    properties: {
      ...schema.properties,
      kind: text,
      apiVersion: text,
      metadata: { type: "object", properties: { name: text, generateName: text } },
    },
  };
}

export const isEmbedded = (schema: JsonSchema) => schema["x-kubernetes-embedded-resource"] === true;

/** Undefined: expressions do not see it. */
export function typeOf(schema: JsonSchema, isRoot = isEmbedded(schema)): CelType | undefined {
  if (schema["x-kubernetes-int-or-string"] === true) return types.dyn;
  const seen = isRoot ? withMeta(schema) : schema;
  switch (seen.type) {
    case "array": {
      const item = seen.items === undefined ? undefined : typeOf(seen.items);
      return item === undefined ? undefined : listOf(item);
    }
    case "object":
      return objectType(seen);
    case "string":
      return textType(seen.format);
    case "boolean":
      return types.bool;
    case "number":
      return types.double;
    case "integer":
      return types.int;
    default:
      return undefined;
  }
}

let objects = 0;

function objectType(schema: JsonSchema): CelType | undefined {
  const { additionalProperties } = schema;
  if (typeof additionalProperties === "object") {
    const value = typeOf(additionalProperties);
    return value === undefined ? undefined : mapOf(types.string, value);
  }
  const fields = new Map<string, CelType>();
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const type = typeOf(property);
    const escaped = escapedName(name);
    if (type !== undefined && escaped !== undefined) fields.set(escaped, type);
  }
  // Two objects are of one type only where they come from one schema.
  return { kind: "object", name: `object${objects++}`, fields };
}

function textType(format: string | undefined): CelType {
  switch (format) {
    case "byte":
      return types.bytes;
    case "duration":
      return types.duration;
    case "date":
    case "date-time":
      return types.timestamp;
    default:
      return types.string;
  }
}

/** A value of the schema, which it was found to keep to. */
export function celValue(json: unknown, schema: JsonSchema | undefined, isRoot = false): Value {
  if (json === null || json === undefined) return null;
  if (schema === undefined || schema["x-kubernetes-int-or-string"] === true) return untypedValue(json);
  const embedded = isRoot || isEmbedded(schema);
  if (isObject(json)) return objectValue(json, embedded ? withMeta(schema) : schema);
  if (Array.isArray(json)) {
    const listType = schema["x-kubernetes-list-type"];
    const keys =
      listType === "map"
        ? (schema["x-kubernetes-list-map-keys"] ?? []).map((key) => escapedName(key) ?? key)
        : [];
    const items = json.map((item) => celValue(item, schema.items));
    return new CelList(items, listType === "map" || listType === "set" ? keys : undefined);
  }
  if (typeof json === "string") return textValue(json, schema.format);
  if (typeof json === "bigint") return schema.type === "number" ? Number(json) : json;
  if (typeof json === "number") return schema.type === "number" ? json : BigInt(Math.trunc(json));
  return json as boolean;
}

function textValue(json: string, format: string | undefined): Value {
  try {
    switch (format) {
      case "byte":
        return new Uint8Array(Buffer.from(json, "base64"));
      case "duration":
        return parseDuration(json);
      case "date":
        return parseTimestamp(`${json}T00:00:00Z`);
      case "date-time":
        return parseTimestamp(json.toUpperCase());
      default:
        return json;
    }
  } catch (error) {
    if (error instanceof CelError) throw new CelError(`Invalid ${format} ${json}`);
    throw error;
  }
}

function objectValue(json: Readonly<Record<string, unknown>>, schema: JsonSchema): Value {
  const additional = additionalOf(schema);
  if (typeof schema.additionalProperties === "object") {
    const map = new CelMap();
    for (const [name, one] of Object.entries(json)) map.setLazy(name, () => celValue(one, additional));
    return map;
  }
  const fields = new CelMap("object");
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (!Object.hasOwn(json, name)) continue;
    const escaped = escapedName(name);
    if (escaped !== undefined) fields.setLazy(escaped, () => celValue(json[name], property));
  }
  return fields;
}
