import { setOwnField } from "../../../base/own-field.ts";
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

/** A field whose value may be written otherwise than it is. */
interface WrittenField {
  readonly field: SchemaField;
  readonly zero: unknown;
  /** Of the messages in it. */
  readonly type: SchemaType | undefined;
}

const plans = new WeakMap<SchemaType, ReadonlyMap<string, WrittenField>>();

function planOf(type: SchemaType): ReadonlyMap<string, WrittenField> {
  const known = plans.get(type);
  if (known !== undefined) return known;
  const plan = new Map<string, WrittenField>();
  for (const name of Object.keys(type.fields)) {
    const field = fieldOf(type, name);
    if (field === undefined) continue;
    const [zero, inner] = [zeroOf(field), innerTypeOf(field)];
    if (zero !== undefined || inner !== undefined) plan.set(name, { field, zero, type: inner });
  }
  plans.set(type, plan);
  return plan;
}

function writtenMessage(type: SchemaType, object: Json): Json {
  let out = object;
  const plan = planOf(type);
  for (const name in object) {
    const value = object[name];
    const how = typeof value === "object" ? plan.get(name) : undefined;
    if (how === undefined) continue;
    const written = value === null ? zeroOf(how.field) : writtenValue(how, value as object);
    if (written === value || written === undefined) continue;
    if (out === object) out = { ...object };
    out[name] = written;
  }
  for (const [name, field] of alwaysWritten(type)) {
    if (object[name] !== undefined) continue;
    const zero = zeroOf(field);
    if (out === object) out = { ...object };
    out[name] =
      field.d === 1 ? writtenValue({ field, zero, type: innerTypeOf(field) }, zero as object) : zero;
  }
  return out;
}

function writtenValue({ field, zero, type }: WrittenField, value: object): unknown {
  if (Array.isArray(value)) {
    if (value.length === 0 && zero === null) return null;
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
    setOwnField(out, key, written);
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
