import { isObject, type JsonObject } from "../json.ts";
import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

/** What every object has, whatever its schema says. */
const metaFields: ReadonlySet<string> = new Set(["apiVersion", "kind", "metadata"]);

/** Removes the fields that the schema does not know, and tells their paths in order (`spec.items[0].x`); mutates. Rules:
 *  apiextensions-apiserver's pruning. */
export function prune(object: JsonObject, schema: JsonSchema): readonly string[] {
  const unknown: string[] = [];
  pruneValue(object, { ...schema, "x-kubernetes-embedded-resource": true }, "", unknown);
  return unknown.sort();
}

/** As `prune`, of a value that is no object of its own. */
export function pruneToSchema(value: unknown, schema: JsonSchema): void {
  pruneValue(value, schema, "", []);
}

/** Without a schema nothing is known. */
function pruneValue(value: unknown, schema: JsonSchema | undefined, path: string, unknown: string[]): void {
  if (schema?.["x-kubernetes-preserve-unknown-fields"] === true) {
    keepUnknown(value, schema, path, unknown);
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      pruneValue(item, schema?.items, `${path}[${index}]`, unknown);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    if (schema?.["x-kubernetes-embedded-resource"] === true && metaFields.has(name)) continue;
    const known = schema && (propertyOf(schema, name) ?? additionalOf(schema));
    if (known !== undefined) pruneValue(value[name], known, childPath(path, name), unknown);
    else {
      unknown.push(childPath(path, name));
      delete value[name];
    }
  }
}

function keepUnknown(value: unknown, schema: JsonSchema, path: string, unknown: string[]): void {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      if (schema.items !== undefined) keepUnknown(item, schema.items, `${path}[${index}]`, unknown);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    if (schema["x-kubernetes-embedded-resource"] === true && metaFields.has(name)) continue;
    const known = propertyOf(schema, name) ?? additionalOf(schema);
    if (known !== undefined) pruneValue(value[name], known, childPath(path, name), unknown);
  }
}

function childPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
