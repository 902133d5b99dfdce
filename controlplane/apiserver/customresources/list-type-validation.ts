import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "../resources/field-errors.ts";
import type { JsonSchema } from "./json-schema.ts";

/** How lists and maps may be said to be sets, maps by keys, or whole (x-kubernetes-list-type, …-map-type). Pure. */

export function mapTypeProblems(schema: JsonSchema, path: string): readonly FieldError[] {
  const mapType = schema["x-kubernetes-map-type"];
  if (mapType === undefined) return [];
  const problems = [...typeProblems(schema, path, "object", "x-kubernetes-map-type")];
  if (mapType !== "atomic" && mapType !== "granular")
    problems.push(notSupported(`${path}.x-kubernetes-map-type`, mapType, ["atomic", "granular"]));
  return problems;
}

function typeProblems(
  { type = "" }: JsonSchema,
  path: string,
  wanted: string,
  key: string,
): readonly FieldError[] {
  if (type === wanted) return [];
  const text = `must be ${wanted} if ${key} is specified`;
  return [type === "" ? required(`${path}.type`, text) : invalid(`${path}.type`, type, text)];
}

export function listTypeProblems(
  schema: JsonSchema,
  path: string,
  atomicSets: boolean,
): readonly FieldError[] {
  const listType = schema["x-kubernetes-list-type"];
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const at = `${path}.x-kubernetes-list-type`;
  const problems: FieldError[] = [];
  const ownType = listType === undefined ? [] : typeProblems(schema, path, "array", "x-kubernetes-list-type");
  problems.push(...ownType);
  if (ownType.length === 0 && atomicSets && listType === "set") problems.push(...setProblems(schema, path));
  if (listType !== undefined && !["atomic", "set", "map"].includes(listType))
    problems.push(notSupported(at, listType, ["atomic", "set", "map"]));
  if (keys.length > 0) {
    const text = "must be map if x-kubernetes-list-map-keys is non-empty";
    if (listType === undefined) problems.push(required(at, text));
    else if (listType !== "map") problems.push(invalid(at, listType, text));
  }
  if (listType === "map") problems.push(...mapListProblems(schema, keys, path));
  return problems;
}

/** The items of a set are told apart as wholes. */
function setProblems({ items }: JsonSchema, path: string): readonly FieldError[] {
  if (!isWhole(items)) {
    const key = items?.type === "array" ? "x-kubernetes-list-type" : "x-kubernetes-map-type";
    const text = "must be atomic as item of a list with x-kubernetes-list-type=set";
    return [invalid(`${path}.items.${key}`, items?.["x-kubernetes-list-type"], text)];
  }
  return [];
}

export function isWhole(items: JsonSchema | undefined): boolean {
  if (items?.type === "array") return (items["x-kubernetes-list-type"] ?? "atomic") === "atomic";
  if (items?.type === "object") return items["x-kubernetes-map-type"] === "atomic";
  return true;
}

function mapListProblems(
  { items }: JsonSchema,
  keys: readonly string[],
  path: string,
): readonly FieldError[] {
  const at = `${path}.x-kubernetes-list-map-keys`;
  const problems: FieldError[] = [];
  if (keys.length === 0) problems.push(required(at, "must not be empty if x-kubernetes-list-type is map"));
  if (items === undefined)
    return [...problems, required(`${path}.items`, "must have a schema if x-kubernetes-list-type is map")];
  const { type = "", properties = {} } = items;
  if (type !== "object") {
    const text = "must be object if parent array's x-kubernetes-list-type is map";
    return [...problems, invalid(`${path}.items.type`, type, text)];
  }
  for (const [index, key] of keys.entries()) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined)
      problems.push(invalid(at, keys, "entries must all be names of item properties"));
    else if (property.type === "array" || property.type === "object")
      problems.push(
        invalid(
          `${path}.items.properties[${key}].type`,
          type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      );
    if (keys.indexOf(key) < index) problems.push(invalid(at, keys, "must not contain duplicate entries"));
  }
  return problems;
}

/** Items of sets and maps are never null; what names an item is always there. */
export function keyedListProblems(schema: JsonSchema, path: string): readonly FieldError[] {
  const { items } = schema;
  const listType = schema["x-kubernetes-list-type"];
  if (items === undefined || (listType !== "set" && listType !== "map")) return [];
  const problems: FieldError[] = [];
  if (items.nullable)
    problems.push(
      forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`),
    );
  const { properties = {}, required: needed = [] } = items;
  for (const key of listType === "map" ? (schema["x-kubernetes-list-map-keys"] ?? []) : []) {
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (property === undefined) continue;
    const at = `${path}.items.properties[${key}]`;
    const why = "this property is in x-kubernetes-list-map-keys, so it";
    if (!needed.includes(key) && (property.default ?? undefined) === undefined)
      problems.push(required(`${at}.default`, `${why} must have a default or be a required property`));
    if (property.nullable) problems.push(forbidden(`${at}.nullable`, `${why} cannot be nullable`));
  }
  return problems;
}
