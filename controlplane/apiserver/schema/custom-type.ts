import { findTypeName, type SchemaField, type SchemaType, typeOf } from "./load.ts";

/** What of a structural JSON schema tells how the fields of a custom resource are owned. */
export interface StructuralSchema {
  readonly type?: string;
  readonly nullable?: boolean;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema | boolean;
  readonly items?: StructuralSchema;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-embedded-resource"?: boolean;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
}

const known = new WeakMap<StructuralSchema, SchemaType>();

/** The message that a custom resource is, for all that asks who owns which field. Pure. */
export function customType(schema: StructuralSchema): SchemaType {
  const before = known.get(schema);
  if (before !== undefined) return before;
  const text: SchemaField = { t: "string", z: 1 };
  const metadata = typeOf(findTypeName("v1", "ConfigMap") ?? "")?.fields.metadata;
  const { fields, ...message } = messageOf(schema);
  const own = { apiVersion: text, kind: text, ...(metadata && { metadata }) };
  const type = { ...message, fields: { ...fields, ...own } };
  known.set(schema, type);
  return type;
}

function messageOf(schema: StructuralSchema): SchemaType {
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, one]) => [name, customField(one)] as const,
  );
  const isOpen = schema["x-kubernetes-preserve-unknown-fields"] === true;
  return {
    p: "",
    k: "",
    fields: Object.fromEntries(fields),
    ...(isOpen && { open: 1 }),
    ...(schema["x-kubernetes-map-type"] === "atomic" && { atomic: 1 }),
  };
}

/** Of what no schema tells. */
const deduced: SchemaField = { t: "deduced" };

function customField(schema: StructuralSchema): SchemaField {
  const nil = schema.nullable === true ? ({ nil: 1 } as const) : {};
  if (schema["x-kubernetes-int-or-string"] === true) return { t: "intOrString", z: 1, ...nil };
  switch (schema.type) {
    case "object":
      return { ...objectField(schema), ...nil };
    case "array":
      return { ...listField(schema), ...nil };
    case "string":
    case "integer":
    case "number":
    case "boolean":
      return { t: schema.type, z: 1, ...nil };
    default:
      return deduced;
  }
}

function objectField(schema: StructuralSchema): SchemaField {
  const { additionalProperties: of } = schema;
  if (schema["x-kubernetes-embedded-resource"] === true && schema.properties === undefined) return deduced;
  if (typeof of !== "object") return { t: "message", z: 1, inner: messageOf(schema) };
  const element = customField(of);
  // Maps of maps and of lists: their parts are owned as far as they look like some.
  if (element.c !== undefined || element.t === "deduced") return deduced;
  const isAtomic = schema["x-kubernetes-map-type"] === "atomic";
  return { ...element, c: "map", z: 1, ...(isAtomic && { atomic: 1 }) };
}

function listField(schema: StructuralSchema): SchemaField {
  const element = schema.items === undefined ? deduced : customField(schema.items);
  const { t, inner } = element.c === undefined ? element : { t: "any", inner: undefined };
  const list = { t: t === "deduced" ? "any" : t, c: "list", z: 1, ...(inner && { inner }) } as const;
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] === "map" && keys !== undefined)
    return { ...list, keys, defaults: keyDefaults(keys, schema.items) };
  return schema["x-kubernetes-list-type"] === "set" ? { ...list, set: 1 } : { ...list, atomic: 1 };
}

/** Keys that elements may leave out, with what they are then. */
function keyDefaults(
  keys: readonly string[],
  items: StructuralSchema | undefined,
): Readonly<Record<string, unknown>> {
  const given = keys.map((key) => [key, items?.properties?.[key]?.default] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
