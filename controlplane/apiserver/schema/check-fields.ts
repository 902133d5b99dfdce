import { isQuantity, quantityRule } from "../../../base/quantity.ts";
import { goKindOf } from "../go-json-error.ts";
import { goTimeError } from "./go-time.ts";
import { fieldOf, type Gvk, type SchemaField, type SchemaType, typeNameOf, typeOf } from "./load.ts";
import { innerTypeOf, schemaFormOf, schemasWithin } from "./schema-forms.ts";

export interface FieldReport {
  /** `unknown field "spec.foo"`: an error only under strict validation, else dropped with a warning. */
  readonly unknown: readonly string[];
  /** `duplicate field "spec.foo"`: only what the JSON text can tell. */
  readonly duplicate: readonly string[];
  /** Wrong types: always a bad request. */
  readonly typeErrors: readonly string[];
}

type Json = Record<string, unknown>;

/** How many problems of each sort are told at most. */
const reportedMax = 20;

/** Compares an object with its kind's schema. `duplicate` is empty here: parsed objects have lost that.
 *  Throws UnknownKindError. */
export function checkFields(gvk: Gvk, object: Readonly<Json>): FieldReport {
  const report = { unknown: [], duplicate: [], typeErrors: [] };
  const type = typeOf(typeNameOf(gvk));
  if (type !== undefined) checkMessage(type, object, root, report);
  return report;
}

/** Removes the fields that the schema does not know, as Kubernetes' decoding does; mutates. */
export function dropUnknownFields(gvk: Gvk, object: Json): void {
  const type = typeOf(typeNameOf(gvk));
  if (type !== undefined) dropUnknown(type, object);
}

/** The same for an object whose fields beside its metadata another schema describes: those are looked at for numbers that
 *  nobody can keep. */
export function checkMetadataFields({ metadata, ...rest }: Readonly<Json>): FieldReport {
  const report: MutableReport = { unknown: [], duplicate: [], typeErrors: [] };
  const type = typeOf(metaType);
  // Go reads the metadata of such objects by itself.
  if (type !== undefined && isObject(metadata))
    checkMessage(type, metadata, { at: "metadata", goAt: "" }, report);
  const beside: MutableReport = { unknown: [], duplicate: [], typeErrors: [] };
  for (const [name, value] of Object.entries(rest))
    checkNumbersWithin(value, { at: name, goAt: name, struct: "", report: beside });
  return { ...report, typeErrors: [...report.typeErrors, ...beside.typeErrors] };
}

/** Removes what no metadata has; mutates. */
export function dropUnknownMetadata({ metadata }: Json): void {
  const type = typeOf(metaType);
  if (type !== undefined && isObject(metadata)) dropUnknown(type, metadata);
}

const metaType = "V1ObjectMeta";

interface MutableReport {
  readonly unknown: string[];
  readonly duplicate: string[];
  readonly typeErrors: string[];
}

function checkMessage(type: SchemaType, object: Readonly<Json>, place: Place, report: MutableReport): void {
  for (const [name, value] of Object.entries(object)) {
    const field = fieldOf(type, name);
    const at = below(place.at, name);
    if (field === undefined) {
      if (report.unknown.length < reportedMax) report.unknown.push(`unknown field ${JSON.stringify(at)}`);
    } else if (value !== null && value !== undefined) {
      const goAt = below(place.goAt, field.in === undefined ? name : `${field.in}.${name}`);
      checkField(field, value, { at, goAt, struct: type.k, report });
    }
  }
}

/** Where a value stands: with the indexes of lists, and as Go's decoder says it: without them, but with the types that are
 *  embedded on the way. */
interface Place {
  readonly at: string;
  readonly goAt: string;
}
const root: Place = { at: "", goAt: "" };
const below = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

interface Where extends Place {
  /** The message that the field is in, for texts. */
  readonly struct: string;
  readonly report: MutableReport;
}

function checkField(field: SchemaField, value: unknown, where: Where): void {
  switch (field.c) {
    case undefined:
      checkValue(field, value, where);
      return;
    case "list":
      if (!Array.isArray(value)) {
        wrong(value, field.g ?? `[]${goType(field)}`, where);
        return;
      }
      value.forEach((element, index) => {
        if (element !== null) checkValue(field, element, { ...where, at: `${where.at}[${index}]` });
      });
      return;
    default:
      if (!isObject(value)) {
        wrong(value, field.g ?? `map[string]${goType(field)}`, where);
        return;
      }
      for (const [key, element] of Object.entries(value)) {
        if (element === null) continue;
        // Go names the field, not the key; within a message the keys count on.
        const isMessage = typeOf(field.t) !== undefined && isObject(element);
        const at = isMessage ? { ...where, at: `${where.at}.${key}`, goAt: `${where.goAt}.${key}` } : where;
        if (field.c === "map") checkValue(field, element, at);
        else if (!isStrings(element)) wrong(element, goElement(field) ?? "[]string", at);
      }
  }
}

/** What is wrong with a value of a plain type, where it is not told with its place. */
export function checkValueText(field: SchemaField, value: unknown): string | undefined {
  const report = { unknown: [], duplicate: [], typeErrors: [] as string[] };
  checkValue(field, value, { at: "", goAt: "", struct: "", report });
  return report.typeErrors[0];
}

function checkValue(field: SchemaField, value: unknown, where: Where): void {
  switch (field.t) {
    case "any":
    case "json":
      checkNumbersWithin(value, where);
      return;
    case "string":
    case "bytes":
      if (typeof value !== "string") wrong(value, goType(field), where);
      else if (field.t === "bytes" && !isBase64(value))
        add(where, `illegal base64 data at input byte ${illegalBase64At(value)}`);
      return;
    case "time":
    case "microtime":
      if (typeof value !== "string") wrong(value, "string", where);
      else {
        const problem = goTimeError(value, field.t === "microtime" ? "micro" : "any");
        if (problem !== undefined) add(where, problem);
      }
      return;
    case "integer":
      if (typeof value === "bigint" && field.f !== "int32") tooLarge(value, where);
      else if (!Number.isInteger(value)) wrong(value, goType(field), where);
      else if (field.f === "int32" && !isInt32(value)) wrong(value, "int32", where);
      else if (!Number.isSafeInteger(value)) wrong(value, field.f ?? "int64", where);
      return;
    case "number":
      if (typeof value !== "number" && typeof value !== "bigint") wrong(value, "float64", where);
      return;
    case "boolean":
      if (typeof value !== "boolean") wrong(value, "bool", where);
      return;
    case "quantity":
      if (!["string", "number", "bigint"].includes(typeof value)) add(where, quantityRule);
      else if (!isQuantity(String(value))) add(where, quantityRule);
      return;
    case "intOrString":
      if (typeof value !== "string" && !isInt32(value)) wrong(value, "int32", where);
      return;
  }
  if (schemaFormOf(field) !== undefined) checkForm(field, value, where);
  const type = typeOf(field.t);
  if (type === undefined) return;
  if (isObject(value)) checkMessage(type, value, where, where.report);
  else wrong(value, goType(field), where);
}

/** A JSON schema or its other form. Kubernetes decodes it on its own: unknown fields within are dropped without a word,
 *  and paths begin anew. */
function checkForm(field: SchemaField, value: unknown, where: Where): void {
  const form = schemaFormOf(field);
  const type = innerTypeOf(field);
  if (form === undefined || type === undefined) return;
  if (form.accepts(value)) {
    for (const one of schemasWithin(value)) checkMessage(type, one, root, { ...where.report, unknown: [] });
  } else if (form.complaint !== undefined) add(where, form.complaint);
  else wrong(value, goType(field), where);
}

function wrong(value: unknown, wanted: string, where: Where): void {
  const what = goKindOf(value);
  // Go names the number itself only where it is one that the type cannot hold.
  const isNumber = what === "number" && /^(u?int|float)\d+$/.test(wanted);
  const shown = isNumber ? `number ${goNumber(value)}` : what;
  add(
    where,
    `json: cannot unmarshal ${shown} into Go struct field ${where.struct}.${where.goAt} of type ${wanted}`,
  );
}

/** As it most likely stood in the text: JSON's `1e30` where JavaScript writes `1e+30`. */
const goNumber = (value: unknown) => String(value).replace("e+", "e");

/** Kubernetes keeps whole 64-bit numbers in all its fields. Here the fields of built-in kinds are JavaScript's numbers, so that
 *  those beyond 2^53 are refused: no number ever changes silently. What is only kept, and not counted with, keeps them. */
function tooLarge(value: bigint, where: Where): void {
  add(
    where,
    `${where.at}: number ${value} cannot be kept exactly as int64: whole numbers must lie within ±${Number.MAX_SAFE_INTEGER}`,
  );
}

/** Values of any form (a revision's data, embedded objects): numbers may stand anywhere. */
function checkNumbersWithin(value: unknown, where: Where): void {
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY)
    wrong(value, "float64", where);
  else if (typeof value === "object" && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      const at = Array.isArray(value) ? `${where.at}[${key}]` : `${where.at}.${key}`;
      checkNumbersWithin(inner, { ...where, at });
    }
}

function add({ report }: Where, text: string): void {
  if (report.typeErrors.length < reportedMax) report.typeErrors.push(text);
}

/** What the type is called in Kubernetes' own messages. */
function goType(field: SchemaField): string {
  const named = goElement(field);
  if (named !== undefined) return named;
  switch (field.t) {
    case "integer":
      return field.f ?? "int64";
    case "boolean":
      return "bool";
    case "bytes":
      return "[]uint8";
    case "quantity":
      return "resource.Quantity";
    default: {
      const form = schemaFormOf(field);
      if (form !== undefined) return `v1.${form.goName}`;
      const type = typeOf(field.t);
      return type === undefined ? field.t : `${type.p.split(".").at(-1)}.${type.k}`;
    }
  }
}

/** What Go calls one of the values of a field, where it has a name of its own. */
function goElement({ g, c }: SchemaField): string | undefined {
  if (c === undefined) return g;
  return /^(?:\[\]|map\[[\w.]+\])(.+)$/.exec(g ?? "")?.[1];
}

function dropUnknown(type: SchemaType, object: Json): void {
  for (const [name, value] of Object.entries(object)) {
    const field = fieldOf(type, name);
    if (field === undefined) {
      delete object[name];
      continue;
    }
    const inner = innerTypeOf(field);
    if (inner === undefined || !(isObject(value) || Array.isArray(value))) continue;
    const values: readonly unknown[] = field.c === undefined ? [value] : Object.values(value);
    for (const one of values.flat()) if (isObject(one)) dropUnknown(inner, one);
  }
}

const isInt32 = (value: unknown) => typeof value === "number" && value === (value | 0);
const isBase64 = (text: string) =>
  text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text.replace(/[\r\n]/g, ""));
/** Where Go's decoder stops. */
function illegalBase64At(text: string): number {
  let end = text.length;
  while (end > 0 && "=\r\n".includes(text[end - 1] ?? "")) end--;
  const padding = text.indexOf("=");
  const other = text.search(/[^A-Za-z0-9+/=\r\n]/);
  // Padding stands at the end.
  const bad = [other, padding < end ? padding : -1].filter((at) => at >= 0);
  if (bad.length > 0) return Math.min(...bad);
  return padding >= 0 && padding % 4 < 2 ? padding : text.length - (text.length % 4);
}
const isStrings = (value: unknown) => Array.isArray(value) && value.every((one) => typeof one === "string");
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
