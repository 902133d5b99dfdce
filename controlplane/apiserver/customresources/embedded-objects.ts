import { dns1035Label, pathSegment } from "../../../client/rules/names.ts";
import type { ObjectMeta } from "../../../client/types.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "../resources/field-errors.ts";
import { validateMeta } from "../resources/meta.ts";
import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

const withResources = new WeakMap<JsonSchema, boolean>();

/** Whether the schema, or any inside it, is that of a resource of its own: most have none, and need not be looked through. */
function holdsResources(schema: JsonSchema): boolean {
  let known = withResources.get(schema);
  if (known === undefined) {
    const { items, properties = {}, additionalProperties } = schema;
    known =
      schema["x-kubernetes-embedded-resource"] === true ||
      (items !== undefined && holdsResources(items)) ||
      (typeof additionalProperties === "object" && holdsResources(additionalProperties)) ||
      Object.values(properties).some(holdsResources);
    withResources.set(schema, known);
  }
  return known;
}

/** What breaks the rules for apiVersion, kind and metadata of objects that stand in other objects (apiextensions-apiserver's
 *  schema/objectmeta). Pure. */
export function embeddedProblems(value: unknown, schema: JsonSchema, path: string): readonly FieldError[] {
  if (!holdsResources(schema)) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return [];
    return value.flatMap((item, index) => embeddedProblems(item, items, `${path}[${index}]`));
  }
  if (!isObject(value)) return [];
  const own = schema["x-kubernetes-embedded-resource"] === true ? resourceProblems(value, path) : [];
  const additional = additionalOf(schema);
  const inside = Object.entries(value).flatMap(([name, one]) => {
    const property = propertyOf(schema, name);
    if (property !== undefined) return embeddedProblems(one, property, childPath(path, name));
    return additional === undefined ? [] : embeddedProblems(one, additional, `${path}[${name}]`);
  });
  return [...own, ...inside];
}

const childPath = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

function resourceProblems(value: JsonObject, path: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  for (const name of ["apiVersion", "kind"] as const) {
    const at = childPath(path, name);
    const text = value[name];
    if (!Object.hasOwn(value, name)) problems.push(required(at));
    else if (typeof text !== "string") problems.push(invalid(at, text, "must be a string"));
    else if (text === "") problems.push(invalid(at, text, "must not be empty"));
    else if (name === "apiVersion" && text.split("/").length > 2)
      problems.push(invalid(at, text, `unexpected GroupVersion string: ${text}`));
    else if (name === "kind") {
      const faults = dns1035Label(text.toLowerCase());
      if (faults.length > 0)
        problems.push(
          invalid(at, text, `may have mixed case, but should otherwise match: ${faults.join(",")}`),
        );
    }
  }
  if (!Object.hasOwn(value, "metadata")) return problems;
  const at = childPath(path, "metadata");
  const metadata = value.metadata;
  const fault = metadataFault(metadata);
  if (fault !== undefined) return [...problems, invalid(at, metadata, fault)];
  const meta = (metadata ?? {}) as ObjectMeta;
  const named: ObjectMeta = { ...meta, name: meta.name || "fakename" };
  const found = validateMeta(named, {
    namespaced: Boolean(meta.namespace),
    nameRule: pathSegment,
    plainFinalizers: true,
  });
  return [...problems, ...found.map((one) => ({ ...one, field: one.field.replace(/^metadata/, () => at) }))];
}

/** The objects that stand in this one as resources of their own. */
export function embeddedResources(value: unknown, schema: JsonSchema): readonly JsonObject[] {
  if (!holdsResources(schema)) return [];
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((item) => embeddedResources(item, items));
  }
  if (!isObject(value)) return [];
  const additional = additionalOf(schema);
  const inside = Object.entries(value).flatMap(([name, one]) => {
    const known = propertyOf(schema, name) ?? additional;
    return known === undefined ? [] : embeddedResources(one, known);
  });
  return schema["x-kubernetes-embedded-resource"] === true ? [value, ...inside] : inside;
}

/** The first field of apiVersion, kind and metadata whose type is not theirs. Where the values come from a stored object
 *  nothing is wrong with them: they were taken by the same rules. */
export function malformedMeta(value: unknown, schema: JsonSchema, path: string): FieldError | undefined {
  if (!holdsResources(schema)) return undefined;
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return undefined;
    for (const [index, item] of value.entries()) {
      const problem = malformedMeta(item, items, `${path}[${index}]`);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const additional = additionalOf(schema);
  for (const [name, one] of Object.entries(value)) {
    if (schema["x-kubernetes-embedded-resource"] === true) {
      const at = childPath(path, name);
      if ((name === "apiVersion" || name === "kind") && typeof one !== "string")
        return invalid(at, one, "must be a string");
      const fault = name === "metadata" ? metadataFault(one) : undefined;
      if (fault !== undefined) return invalid(at, one, fault);
    }
    const property = propertyOf(schema, name);
    const known = property ?? additional;
    const at = property === undefined ? `${path}[${name}]` : childPath(path, name);
    const problem = known === undefined ? undefined : malformedMeta(one, known, at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const textFields = ["name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"];
const mapFields = ["labels", "annotations"];

/** What Go's decoder says of metadata of another form. */
function metadataFault(metadata: unknown): string | undefined {
  if (metadata === null) return undefined;
  const cannot = (value: unknown, field: string, type: string) =>
    `json: cannot unmarshal ${goKind(value)} into Go ${field === "" ? "value" : `struct field ObjectMeta.${field}`} of type ${type}`;
  if (!isObject(metadata)) return cannot(metadata, "", "v1.ObjectMeta");
  for (const [name, value] of Object.entries(metadata)) {
    if (value === null) continue;
    if (textFields.includes(name) && typeof value !== "string")
      return cannot(value, name, name === "uid" ? "types.UID" : "string");
    if (mapFields.includes(name)) {
      if (!isObject(value)) return cannot(value, name, "map[string]string");
      const foreign = Object.values(value).find((one) => one !== null && typeof one !== "string");
      if (foreign !== undefined) return cannot(foreign, name, "string");
    }
    if (name === "finalizers") {
      if (!Array.isArray(value)) return cannot(value, name, "[]string");
      const foreign = value.find((one) => one !== null && typeof one !== "string");
      if (foreign !== undefined) return cannot(foreign, name, "string");
    }
    if (name === "ownerReferences" && !Array.isArray(value))
      return cannot(value, name, "[]v1.OwnerReference");
  }
  return undefined;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}
