import {
  apiVersionOf,
  type SchemaDocs,
  type SchemaField,
  type SchemaType,
  schema,
  typeOf,
} from "../schema/load.ts";

/** What OpenAPI v2 and v3 write differently. */
export interface Dialect {
  readonly refPrefix: "#/definitions/" | "#/components/schemas/";
  readonly quantity: object;
  readonly intOrString: object;
  /** v3 wraps references that have neighbours, since those would be ignored. */
  readonly wrapsRefs: boolean;
}

export const v2: Dialect = {
  refPrefix: "#/definitions/",
  quantity: { type: "string" },
  intOrString: { type: "string", format: "int-or-string" },
  wrapsRefs: false,
};

export const v3: Dialect = {
  refPrefix: "#/components/schemas/",
  quantity: { oneOf: [{ type: "string" }, { type: "number" }] },
  intOrString: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  wrapsRefs: true,
};

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const apiextensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";
const special = {
  time: `${meta}.Time`,
  microtime: `${meta}.MicroTime`,
  fields: `${meta}.FieldsV1`,
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  any: "io.k8s.apimachinery.pkg.runtime.RawExtension",
} as const;

/** Types of which OpenAPI can say nothing but what they mean. They stand only in documents that speak of them. */
const free: ReadonlyMap<string, { readonly name: string; readonly description: string }> = new Map([
  ["json", { name: `${apiextensions}.JSON`, description: "JSON is any value of JSON." }],
  [
    "schemaOrList",
    {
      name: `${apiextensions}.JSONSchemaPropsOrArray`,
      description: "JSONSchemaPropsOrArray is a JSON schema or a list of them.",
    },
  ],
  [
    "schemaOrBool",
    {
      name: `${apiextensions}.JSONSchemaPropsOrBool`,
      description: "JSONSchemaPropsOrBool is a JSON schema, or true or false.",
    },
  ],
  [
    "schemaOrStrings",
    {
      name: `${apiextensions}.JSONSchemaPropsOrStringArray`,
      description: "JSONSchemaPropsOrStringArray is a JSON schema or a list of strings.",
    },
  ],
]);

/** `io.k8s.api.core.v1.Pod` for the model V1Pod. */
export function definitionName(model: string): string {
  const type = typeOf(model);
  if (type === undefined) throw new RangeError(`no model ${model}`);
  return `${type.p.replace(/^k8s\.io\./, "io.k8s.").replaceAll("_", "-")}.${type.k}`;
}

export function reference(model: string, dialect: Dialect): object {
  return { $ref: dialect.refPrefix + definitionName(model) };
}

/** The definitions of `roots` and all they reach, by name in order. */
export function definitions(
  roots: readonly string[],
  dialect: Dialect,
  docs: SchemaDocs,
): Record<string, object> {
  const gvks = gvksByModel();
  const seen = new Set<string>();
  const out: [string, object][] = Object.entries(specials(dialect));
  const queue = [...roots];
  for (let model = queue.pop(); model !== undefined; model = queue.pop()) {
    if (seen.has(model)) continue;
    seen.add(model);
    const freely = free.get(model);
    if (freely !== undefined) out.push([freely.name, { description: freely.description }]);
    const type = typeOf(model);
    if (type === undefined) continue;
    out.push([definitionName(model), definition(model, type, { dialect, docs, gvks })]);
    for (const field of Object.values(type.fields)) queue.push(field.t);
  }
  return Object.fromEntries(out.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function specials(dialect: Dialect): Record<string, object> {
  return {
    [special.time]: {
      type: "string",
      format: "date-time",
      description: "Time is a point in time, written as RFC 3339 in whole seconds.",
    },
    [special.microtime]: {
      type: "string",
      format: "date-time",
      description: "MicroTime is a point in time, written as RFC 3339 with microseconds.",
    },
    [special.fields]: { type: "object", description: "FieldsV1 stores a set of fields as a trie in JSON." },
    [special.quantity]: {
      ...dialect.quantity,
      description: "Quantity is a number with an optional suffix such as m, k, M, Ki, Mi: 100m, 1.5Gi.",
    },
    [special.intOrString]: { ...dialect.intOrString, description: "IntOrString is a number or a string." },
    [special.any]: { type: "object", description: "RawExtension is an object of any kind." },
  };
}

interface Context {
  readonly dialect: Dialect;
  readonly docs: SchemaDocs;
  readonly gvks: ReadonlyMap<string, readonly object[]>;
}

function definition(model: string, type: SchemaType, { dialect, docs, gvks }: Context): object {
  const text = docs[model] ?? {};
  const properties: Record<string, object> = {};
  const required: string[] = [];
  for (const [name, field] of Object.entries(type.fields)) {
    properties[name] = property(field, {
      name,
      isOfList: name === "items" && type.fields.metadata?.t === "V1ListMeta",
      description: text[name] ?? "",
      dialect,
    });
    if (field.r === 1) required.push(name);
  }
  const gvk = gvks.get(model);
  return {
    ...(text[""] ? { description: text[""] } : {}),
    ...(required.length > 0 && { required }),
    type: "object",
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(type.atomic === 1 && { "x-kubernetes-map-type": "atomic" }),
    ...(gvk !== undefined && { "x-kubernetes-group-version-kind": gvk }),
  };
}

interface PropertyContext {
  readonly name: string;
  /** The items of a list of objects, which nobody merges: they have no list type. */
  readonly isOfList: boolean;
  readonly description: string;
  readonly dialect: Dialect;
}

function property(field: SchemaField, { name, isOfList, description, dialect }: PropertyContext): object {
  const said = { ...(description !== "" && { description }), ...(!isOfList && extensions(field)) };
  const value = valueSchema(field, name, dialect);
  switch (field.c) {
    case "list":
      return { ...said, type: "array", items: oneOfMany(value, field, dialect) };
    case "map":
      return { ...said, type: "object", additionalProperties: oneOfMany(value, field, dialect) };
    case "mapOfLists":
      return { ...said, type: "object", additionalProperties: { type: "array", items: value } };
    default:
      if (!("$ref" in value)) return { ...said, ...value };
      return dialect.wrapsRefs ? { ...said, ...emptyDefault(field), allOf: [value] } : { ...value, ...said };
  }
}

function oneOfMany(value: object, field: SchemaField, dialect: Dialect): object {
  return dialect.wrapsRefs && typeOf(field.t) !== undefined ? { default: {}, allOf: [value] } : value;
}

const emptyDefault = (field: SchemaField) => (field.d === 1 ? { default: {} } : {});

function valueSchema(field: SchemaField, name: string, dialect: Dialect): object {
  const to = (definition: string) => ({ $ref: dialect.refPrefix + definition });
  const freely = free.get(field.t);
  switch (field.t) {
    case "string":
      return { type: "string" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "boolean":
      return { type: "boolean" };
    case "integer":
      return { type: "integer", format: field.f ?? "int64" };
    case "number":
      return { type: "number", format: "double" };
    case "any":
      return to(name === "fieldsV1" ? special.fields : special.any);
    case "time":
    case "microtime":
    case "quantity":
    case "intOrString":
      return to(special[field.t]);
    default:
      return freely === undefined ? reference(field.t, dialect) : to(freely.name);
  }
}

function extensions(field: SchemaField): object {
  const strategies = [
    ...(field.merge === undefined ? [] : ["merge"]),
    ...(field.retainKeys === 1 ? ["retainKeys"] : []),
    ...(field.replace === 1 ? ["replace"] : []),
  ];
  const listType = field.keys !== undefined ? "map" : field.set === 1 ? "set" : "atomic";
  return {
    ...(field.c === "list" && { "x-kubernetes-list-type": listType }),
    ...(field.keys !== undefined && { "x-kubernetes-list-map-keys": field.keys }),
    ...(field.c !== "list" && field.atomic === 1 && { "x-kubernetes-map-type": "atomic" }),
    ...(field.granular === 1 && { "x-kubernetes-map-type": "granular" }),
    ...(field.merge && { "x-kubernetes-patch-merge-key": field.merge }),
    ...(strategies.length > 0 && { "x-kubernetes-patch-strategy": strategies.join(",") }),
  };
}

/** Which kinds a model is, as the extension on its definition. */
function gvksByModel(): ReadonlyMap<string, readonly object[]> {
  const out = new Map<string, object[]>();
  for (const [name, model] of Object.entries(schema().kinds)) {
    const parts = name.split("/");
    const kind = parts.at(-1) ?? "";
    const [group, version] = parts.length === 3 ? [parts[0] ?? "", parts[1] ?? ""] : ["", parts[0] ?? ""];
    const gvk = { group, kind, version: version === "*" ? "v1" : version };
    out.set(model, [...(out.get(model) ?? []), gvk]);
  }
  return out;
}

/** The model of a kind, undefined if the schema has none. */
export function modelOf(
  served: { readonly group: string; readonly version: string },
  kind: string,
): string | undefined {
  const { kinds } = schema();
  return kinds[`${apiVersionOf(served)}/${kind}`] ?? kinds[`*/${kind}`];
}
