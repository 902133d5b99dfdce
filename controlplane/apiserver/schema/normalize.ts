import { fieldOf, findTypeName, meansUnset, type SchemaField, type SchemaType, typeOf } from "./load.ts";
import { innerTypeOf, schemasWithin } from "./schema-forms.ts";

type Json = Record<string, unknown>;

/** Brings an object into the one form that is stored: what is not set (null, an optional empty string, zero, false,
 *  empty list or map) is absent, quantities are text. Mutates; unknown kinds and fields are left alone.
 *  The object's field types were checked before. */
export function normalizeObject(object: Json): void {
  const type = typeOf(findTypeName(String(object.apiVersion), String(object.kind)) ?? "");
  if (type === undefined) return;
  const before: unknown = object.metadata;
  const own = isObject(before)
    ? Object.entries(before).filter(([name, value]) => value === "" && serverStrings.has(name))
    : [];
  normalizeMessage(type, object);
  if (isObject(object.metadata)) Object.assign(object.metadata, Object.fromEntries(own));
}

/** What the server fills in later is text from the start, for all who handle the object until then. */
const serverStrings: ReadonlySet<string> = new Set(["name", "uid", "resourceVersion", "creationTimestamp"]);

/** The same of the metadata alone, for objects that another schema describes. */
export function normalizeMetadata({ metadata }: Json): void {
  const type = typeOf("V1ObjectMeta");
  if (type === undefined || !isObject(metadata)) return;
  const own = Object.entries(metadata).filter(([name, value]) => value === "" && serverStrings.has(name));
  normalizeMessage(type, metadata);
  Object.assign(metadata, Object.fromEntries(own));
}

function normalizeMessage(type: SchemaType, object: Json): void {
  for (const name of Object.keys(object)) {
    const field = fieldOf(type, name);
    const value = object[name];
    if (field === undefined) continue;
    if (value === null || value === undefined) {
      if (field.t !== "any" || field.c !== undefined) delete object[name];
    } else if (field.c === undefined) {
      if (meansUnset(field, value)) delete object[name];
      else object[name] = normalizeValue(field, value);
    } else normalizeMany(field, object, name);
  }
}

function normalizeMany(field: SchemaField, object: Json, name: string): void {
  const value = object[name];
  if (Array.isArray(value)) {
    if (value.length === 0 && field.r !== 1 && field.j === undefined && field.z !== 1) delete object[name];
    else
      value.forEach((element, index) => {
        value[index] = normalizeValue(field, element);
      });
    return;
  }
  if (!isObject(value)) return;
  const keys = Object.keys(value);
  if (keys.length === 0 && field.r !== 1) delete object[name];
  for (const key of keys) value[key] = normalizeValue(field, value[key]);
}

function normalizeValue(field: SchemaField, value: unknown): unknown {
  if (field.t === "quantity") return typeof value === "number" ? String(value) : value;
  if (value === null) return field.t === "string" ? "" : value;
  const type = innerTypeOf(field);
  if (type !== undefined) for (const one of schemasWithin(value)) normalizeMessage(type, one);
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
