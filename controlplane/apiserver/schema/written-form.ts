import { fieldOf, findTypeName, type SchemaField, type SchemaType, typeOf } from "./load.ts";
import { innerTypeOf } from "./schema-forms.ts";

type Json = Record<string, unknown>;

/** A built-in object as Kubernetes writes it: what its types always have stands there as zero or null where the stored form
 *  leaves it out. Pure; shares with `object` whatever is whole. Kinds that the schema does not know stay as they are. */
export function writtenForm<T extends object>(object: T): T {
  const { apiVersion, kind } = object as Json;
  const type = typeOf(findTypeName(String(apiVersion), String(kind)) ?? "");
  return type === undefined ? object : (writtenMessage(type, object as Json) as T);
}

/** What a field that nobody gave is in Kubernetes' types, as JSON; undefined where it is left out. */
export function zeroOf(field: SchemaField): unknown {
  if (field.d === 1) return {};
  if (field.j === "none") return undefined;
  if (field.r !== 1 && field.j === undefined) return undefined;
  const isPointer = field.j === "null" || (field.j === undefined && field.z === 1);
  if (field.c !== undefined || isPointer) return null;
  return zeroScalar(field) ?? null;
}

/** Undefined of what is no scalar. */
export const zeroScalar = ({ t }: SchemaField): unknown => zeros[t];

/** Times, messages and free values have no zero but null. */
const zeros: Readonly<Record<string, unknown>> = {
  string: "",
  integer: 0,
  number: 0,
  boolean: false,
  quantity: "0",
  intOrString: 0,
};

function writtenMessage(type: SchemaType, object: Json): Json {
  let out = object;
  const set = (name: string, value: unknown) => {
    if (out === object) out = { ...object };
    out[name] = value;
  };
  for (const name of Object.keys(object)) {
    const field = fieldOf(type, name);
    const value = object[name];
    if (field === undefined || typeof value !== "object") continue;
    const written = value === null ? zeroOf(field) : writtenValue(field, value);
    if (written !== value && written !== undefined) set(name, written);
  }
  for (const [name, field] of alwaysWritten(type))
    if (object[name] === undefined) {
      const zero = zeroOf(field);
      set(name, field.d === 1 ? writtenValue(field, zero) : zero);
    }
  return out;
}

function writtenValue(field: SchemaField, value: unknown): unknown {
  const type = innerTypeOf(field);
  if (Array.isArray(value)) {
    if (value.length === 0 && zeroOf(field) === null) return null;
    return type === undefined ? value : writtenList(type, value);
  }
  if (type === undefined || !isObject(value)) return value;
  return field.c === "map" ? writtenMap(type, value) : writtenMessage(type, value);
}

function writtenList(type: SchemaType, list: readonly unknown[]): readonly unknown[] {
  let changed = false;
  const out = list.map((element) => {
    const written = isObject(element) ? writtenMessage(type, element) : element;
    changed ||= written !== element;
    return written;
  });
  return changed ? out : list;
}

function writtenMap(type: SchemaType, map: Json): Json {
  let out = map;
  for (const [key, value] of Object.entries(map)) {
    const written = isObject(value) ? writtenMessage(type, value) : value;
    if (written === value) continue;
    if (out === map) out = { ...map };
    out[key] = written;
  }
  return out;
}

const found = new WeakMap<SchemaType, readonly (readonly [string, SchemaField])[]>();

/** The fields that stand in every message of the type. */
export function alwaysWritten(type: SchemaType): readonly (readonly [string, SchemaField])[] {
  const known = found.get(type);
  if (known !== undefined) return known;
  const fields = Object.entries(type.fields).filter(([, field]) => zeroOf(field) !== undefined);
  found.set(type, fields);
  return fields;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
