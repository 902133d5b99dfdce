import { checkValueText } from "./check-fields.ts";
import { goKind } from "./go-printed.ts";
import {
  apiVersionOf,
  fieldOf,
  type Gvk,
  type SchemaField,
  type SchemaType,
  typeNameOf,
  typeOf,
} from "./load.ts";
import { schemaFormOf } from "./schema-forms.ts";
import { settledForm } from "./settled.ts";

type Json = Record<string, unknown>;

/** Takes a tree of values over into the types of an object, as Kubernetes does with what a strategic merge patch makes: not by
 *  way of JSON, so it words its complaints otherwise, names no field, and cuts whole numbers to the width of theirs. Mutates.
 *  Undefined where all fits; else what is wrong with the first field, in the order of the types, that does not. */
export function restore(type: SchemaType, object: Json): string | undefined {
  // Objects have few of their type's fields, and nearly always all fit.
  const isFine = restoreThose(type, object, Object.keys(object)) === undefined;
  return isFine ? undefined : restoreThose(type, object, Object.keys(type.fields));
}

function restoreThose(type: SchemaType, object: Json, names: readonly string[]): string | undefined {
  for (const name of names) {
    const field = fieldOf(type, name);
    const value = object[name];
    if (field === undefined || value === undefined || value === null) continue;
    const problem = restoreField(field, object, name);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The same for a whole object: Go knows its type by itself, so the object's own word for it does not count, if it is one. */
export function restoreAs(gvk: Gvk, object: Json): string | undefined {
  const type = typeOf(typeNameOf(gvk));
  if (type === undefined) return undefined;
  // What is settled is of its types.
  const problem = settledForm(type, object, "read") === undefined ? restore(type, object) : undefined;
  if (problem === undefined) Object.assign(object, { apiVersion: apiVersionOf(gvk), kind: gvk.kind });
  return problem;
}

type Holder = Record<string | number, unknown>;

function restoreField(field: SchemaField, holder: Json, name: string): string | undefined {
  const value = holder[name];
  if (field.c === undefined) return restoreOne(field, holder, name);
  if (field.c === "list" && !Array.isArray(value)) return `cannot restore slice from ${goKind(value)}`;
  if (field.c !== "list" && !isObject(value)) return `cannot restore map from ${goKind(value)}`;
  const inner = value as Holder;
  for (const key of Object.keys(inner)) {
    const element = inner[key];
    if (element === null) continue;
    const problem = field.c === "mapOfLists" ? notStrings(element) : restoreOne(field, inner, key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function restoreOne(field: SchemaField, holder: Holder, name: string): string | undefined {
  const value = holder[name];
  const type = schemaFormOf(field) === undefined ? typeOf(field.t) : undefined;
  if (type !== undefined)
    return isObject(value) ? restore(type, value) : `cannot restore struct from: ${goKind(value)}`;
  switch (field.t) {
    case "string":
      if (typeof value === "string") return undefined;
      return goKind(value) === "int64"
        ? `cannot convert int64 to ${field.g ?? "string"}`
        : "unrecognized type: string";
    case "boolean":
      return typeof value === "boolean" ? undefined : "unrecognized type: bool";
    case "integer":
      return restoreInteger(field, holder, name);
    case "number":
      return typeof value === "number" ? undefined : "unrecognized type: float64";
    case "bytes":
      return restoreBytes(field, value);
    case "time":
    case "microtime":
      return typeof value === "string" ? checkValueText(field, value) : unmarshalled(value, "string");
    case "quantity":
      return checkValueText(field, value);
    case "intOrString":
      return typeof value === "string" || (typeof value === "number" && value === (value | 0))
        ? undefined
        : unmarshalled(value, "int32");
    default:
      return schemaFormOf(field)?.accepts(value) === false ? schemaFormOf(field)?.complaint : undefined;
  }
}

function restoreBytes(field: SchemaField, value: unknown): string | undefined {
  if (typeof value !== "string") return `cannot restore slice from ${goKind(value)}`;
  const problem = checkValueText(field, value);
  return problem === undefined ? undefined : `error decoding from json: ${problem}`;
}

function restoreInteger(field: SchemaField, holder: Holder, name: string): string | undefined {
  const value = holder[name];
  const width = field.f ?? "int64";
  if (goKind(value) === "float64") return `cannot convert float64 to ${width}`;
  if (typeof value !== "number" && typeof value !== "bigint") return `unrecognized type: ${width}`;
  // Nobody looks whether it fits.
  if (width === "int32") holder[name] = Number(BigInt.asIntN(32, BigInt(value)));
  return undefined;
}

function notStrings(list: unknown): string | undefined {
  if (!Array.isArray(list)) return `cannot restore slice from ${goKind(list)}`;
  const odd = list.find((one) => typeof one !== "string" && one !== null);
  if (odd === undefined) return undefined;
  return goKind(odd) === "int64" ? "cannot convert int64 to string" : "unrecognized type: string";
}

function unmarshalled(value: unknown, wanted: string): string {
  const kinds: Readonly<Record<string, string>> = { slice: "array", map: "object" };
  const kind = goKind(value);
  const what = !["int64", "float64"].includes(kind)
    ? (kinds[kind] ?? kind)
    : wanted === "int32"
      ? `number ${value}`
      : "number";
  return `json: cannot unmarshal ${what} into Go value of type ${wanted}`;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
