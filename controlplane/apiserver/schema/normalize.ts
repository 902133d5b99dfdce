import { isQuantity } from "../../../base/quantity.ts";
import { canonicalQuantity } from "../../../base/quantity-text.ts";
import { writtenTime } from "./go-time.ts";
import { fieldOf, findTypeName, meansUnset, type SchemaField, type SchemaType, typeOf } from "./load.ts";
import { innerTypeOf, schemasWithin } from "./schema-forms.ts";
import { isSettled } from "./settled.ts";
import { zeroScalar } from "./written-form.ts";

type Json = Record<string, unknown>;

/** Brings an object into the one form that is stored: what is not set (null, an optional empty string, zero, false,
 *  empty list or map) is absent, quantities are text in their canonical form, times are in UTC. Mutates; unknown kinds and fields
 *  are left alone.
 *  The object's field types were checked before. */
export function normalizeObject(object: Json): void {
  const type = typeOf(findTypeName(String(object.apiVersion), String(object.kind)) ?? "");
  if (type === undefined) return;
  if (!isSettled(type, object, "made")) normalizeMessage(type, object, "object");
}

/** What the server fills in later is text from the start, for all who handle the object until then. */
const serverStrings: ReadonlySet<string> = new Set(["name", "uid", "resourceVersion", "creationTimestamp"]);

/** The same of the metadata alone, for objects that another schema describes. */
export function normalizeMetadata({ metadata }: Json): void {
  const type = typeOf("V1ObjectMeta");
  if (type === undefined || !isObject(metadata)) return;
  normalizeMessage(type, metadata, "metadata");
}

function normalizeMessage(
  type: SchemaType,
  object: Json,
  what: "object" | "metadata" | "part" = "part",
): void {
  for (const name of Object.keys(object)) {
    const field = fieldOf(type, name);
    const value = object[name];
    if (field === undefined) continue;
    if (value === null || value === undefined) {
      if (field.t !== "any" || field.c !== undefined) delete object[name];
    } else if (field.c === undefined) {
      if (!meansUnset(field, value)) {
        const part = what === "object" && name === "metadata" ? "metadata" : "part";
        setOther(object, name, normalizeValue(field, value, part));
      } else if (what !== "metadata" || value !== "" || !serverStrings.has(name)) delete object[name];
    } else normalizeMany(field, object, name);
  }
}

function normalizeMany(field: SchemaField, object: Json, name: string): void {
  const value = object[name];
  if (Array.isArray(value)) {
    if (value.length === 0 && field.r !== 1 && field.j === undefined && field.z !== 1) delete object[name];
    else
      for (let at = 0; at < value.length; at++) {
        const element = normalizeValue(field, value[at]);
        if (element !== value[at]) value[at] = element;
      }
    return;
  }
  if (!isObject(value)) return;
  const keys = Object.keys(value);
  if (keys.length === 0 && field.r !== 1) delete object[name];
  for (const key of keys) setOther(value, key, normalizeValue(field, value[key]));
}

/** Nothing is written where all is as it should be: then the object may be one that nobody may change. */
function setOther(object: Json, name: string, value: unknown): void {
  if (object[name] !== value) object[name] = value;
}

function normalizeValue(field: SchemaField, value: unknown, what: "metadata" | "part" = "part"): unknown {
  if (value === null) return field.c === "mapOfLists" ? value : elementZero(field);
  if (field.t === "quantity") return canonical(value);
  if (field.t === "number") return typeof value === "bigint" ? Number(value) : value;
  if (field.t === "time" && typeof value === "string") return writtenTime(value, "seconds");
  if (field.t === "microtime" && typeof value === "string") return writtenTime(value, "micro");
  if (typeof value !== "object") return value;
  const type = innerTypeOf(field);
  if (type !== undefined) for (const one of schemasWithin(value)) normalizeMessage(type, one, what);
  return value;
}

/** Each amount is written in one way. What is no quantity is told of where types are checked. */
function canonical(value: unknown): unknown {
  const text = typeof value === "number" || typeof value === "bigint" ? String(value) : value;
  return typeof text === "string" && isQuantity(text) ? canonicalQuantity(text) : text;
}

/** What Go makes of a null in a list or a map. */
function elementZero(field: SchemaField): unknown {
  return typeOf(field.t) === undefined ? (zeroScalar(field) ?? null) : {};
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
