import { cloneJson } from "../../../base/clone-json.ts";
import { setOwnField } from "../../../base/own-field.ts";
import { isObject } from "../json.ts";
import { additionalOf, type JsonSchema, propertyOf } from "./json-schema.ts";

/** Fills in the schema's defaults, also for a null where none is allowed; mutates. Rules: apiextensions-apiserver's
 *  defaulting. */
export function applySchemaDefaults(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, item] of value.entries()) {
      if (isMissing(item, items)) value[index] = cloneJson(items.default ?? null);
      applySchemaDefaults(value[index], items);
    }
    return;
  }
  if (!isObject(value)) return;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (property.default === undefined) continue;
    if (!Object.hasOwn(value, name) || isMissing(value[name], property))
      setOwnField(value, name, cloneJson(property.default));
  }
  const additional = additionalOf(schema);
  for (const name of Object.keys(value)) {
    const property = propertyOf(schema, name);
    if (property === undefined && additional !== undefined && isMissing(value[name], additional))
      setOwnField(value, name, cloneJson(additional.default ?? null));
    const known = property ?? additional;
    if (known !== undefined) applySchemaDefaults(value[name], known);
  }
}

/** Removes nulls where the schema allows none and has no default to put in their place; mutates. */
export function dropNulls(value: unknown, schema: JsonSchema): void {
  if (Array.isArray(value)) {
    if (schema.items !== undefined) for (const item of value) dropNulls(item, schema.items);
    return;
  }
  if (!isObject(value)) return;
  for (const name of Object.keys(value)) {
    const known = propertyOf(schema, name) ?? additionalOf(schema);
    if (known === undefined) continue;
    if (value[name] === null && known.nullable !== true && known.default === undefined) delete value[name];
    else dropNulls(value[name], known);
  }
}

const isMissing = (value: unknown, schema: JsonSchema) => value === null && schema.nullable !== true;
