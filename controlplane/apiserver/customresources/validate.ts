import { RE2JS } from "re2js";
import { exactJsonText } from "../../../base/exact-json.ts";
import { goFloat } from "../../../base/go-number.ts";
import { hasFormat } from "../../../client/rules/text-formats.ts";
import { isObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, notSupported, required, tooLong, tooMany, typeInvalid } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";
import { additionalOf, type JsonSchema } from "./json-schema.ts";
import { keyedItems } from "./keyed-items.ts";

/** What of a value breaks its schema, in the order and words of kube-openapi's validation. Pure.
 *  @param old What is stored, in an update: what was wrong in it and has not changed is no reason to refuse. */
export function validateValue(
  value: unknown,
  schema: JsonSchema,
  path = "",
  old?: unknown,
): readonly FieldError[] {
  const { problems } = checkKept(value, schema, path, old === undefined ? undefined : { value: old });
  return problems;
}

/** The value in the stored object that this one came from. */
interface Old {
  readonly value: unknown;
}

function checkKept(value: unknown, schema: JsonSchema, path: string, old: Old | undefined): Findings {
  const found = check(value, schema, path, old);
  const stays = old !== undefined && found.problems.length > 0 && sameValue(old.value, value);
  return stays ? { problems: [], matched: found.matched } : found;
}

function memberOf(old: Old | undefined, name: string, path: string): Old | undefined {
  if (path === "" && (name === "apiVersion" || name === "kind")) return undefined;
  return old !== undefined && isObject(old.value) && Object.hasOwn(old.value, name)
    ? { value: old.value[name] }
    : undefined;
}

/** `matched` counts what was found right: of several alternatives that all fail the best one's problems are told. */
interface Findings {
  readonly problems: FieldError[];
  matched: number;
}

function check(value: unknown, schema: JsonSchema, path: string, old?: Old): Findings {
  const out: Findings = { problems: [], matched: 0 };
  addTo(out, checkType(value, schema, path));
  if (value === null) {
    addTo(out, checkEnum(value, schema, path));
    return out;
  }
  addTo(out, checkAlternatives(value, schema, path));
  if (typeof value === "string") {
    addTo(out, checkString(value, schema, path));
    addTo(out, checkFormat(value, schema, path));
  }
  if (typeof value === "number" || typeof value === "bigint") addTo(out, checkNumber(value, schema, path));
  if (Array.isArray(value)) addTo(out, checkList(value, schema, path, old));
  addTo(out, checkEnum(value, schema, path));
  if (isObject(value)) addTo(out, checkProperties(value, schema, path, old));
  return out;
}

/** The same problem found twice is told once. */
function addTo(out: Findings, { problems, matched }: Findings): void {
  for (const problem of problems)
    if (!out.problems.some(({ field, message }) => field === problem.field && message === problem.message))
      out.problems.push(problem);
  out.matched += matched + (problems.length === 0 ? 1 : 0);
}

const found = (...problems: FieldError[]): Findings => ({ problems, matched: 0 });

/** A text says where it is by the path that it began with. */
const inBody = (path: string, text: string) => `${path} in body ${text}`;

function typesOf(schema: JsonSchema): readonly string[] {
  if (schema["x-kubernetes-int-or-string"] === true) return ["integer", "string"];
  return schema.type === undefined || schema.type === "" ? [] : [schema.type];
}

function checkType(value: unknown, schema: JsonSchema, path: string): Findings {
  const types = typesOf(schema);
  if (types.length === 0) return found();
  const own = typeName(value);
  if (own === "null" ? schema.nullable === true : types.includes(own)) return found();
  if (own === "integer" && types.includes("number")) return found();
  const { format = "" } = schema;
  const isTextOrList = own === "string" || own === "array";
  if (format !== "" && own !== "null") {
    const isNumeric = types.includes("number") || types.includes("integer");
    // What a format says of texts and lists is said elsewhere.
    if (isTextOrList && !isNumeric) return found();
    if (!isTextOrList) {
      const ownFormat = own === "integer" ? "int64" : own === "number" ? "float64" : "";
      if (ownFormat === format) return found();
      const text = inBody(path, `must be of type ${format}: ${JSON.stringify(ownFormat)}`);
      return found(typeInvalid(shownPath(path), ownFormat, text));
    }
  }
  const text = inBody(path, `must be of type ${types.join(",")}: ${JSON.stringify(own)}`);
  return found(typeInvalid(shownPath(path), own, text));
}

function typeName(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (typeof value === "number") return Number.isSafeInteger(value) ? "integer" : "number";
  if (typeof value === "bigint") return "integer";
  return typeof value;
}

/** What stands in alternatives is judged anew in every update. */
function checkAlternatives(value: unknown, schema: JsonSchema, path: string): Findings {
  const out = found();
  const { anyOf = [], oneOf = [], allOf = [], not } = schema;
  const add = (text: string) => out.problems.push(invalid("", "", `${JSON.stringify(path)} ${text}`));
  if (anyOf.length > 0) {
    const { valid, best } = tried(value, anyOf, path);
    if (valid === 0) add("must validate at least one schema (anyOf)");
    addTo(out, best);
  }
  if (oneOf.length > 0) {
    const { valid, best } = tried(value, oneOf, path);
    if (valid === 1) out.matched += best.matched;
    else {
      const how = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
      add(`must validate one and only one schema (oneOf). ${how}`);
      if (valid === 0) addTo(out, best);
    }
  }
  if (allOf.length > 0) {
    const all = allOf.map((one) => check(value, one, path));
    for (const one of all) addTo(out, one);
    const valid = all.filter(({ problems }) => problems.length === 0).length;
    if (valid !== all.length)
      add(`must validate all the schemas (allOf)${valid === 0 ? ". None validated" : ""}`);
  }
  if (not !== undefined && check(value, not, path).problems.length === 0)
    add("must not validate the schema (not)");
  return out;
}

function tried(
  value: unknown,
  schemas: readonly JsonSchema[],
  path: string,
): { readonly valid: number; readonly best: Findings } {
  const all = schemas.map((one) => check(value, one, path));
  const valid = all.filter(({ problems }) => problems.length === 0);
  const best = valid[0] ?? all.reduce((most, one) => (one.matched > most.matched ? one : most));
  return { valid: valid.length, best };
}

function checkString(value: string, schema: JsonSchema, path: string): Findings {
  const { maxLength, minLength, pattern } = schema;
  const at = shownPath(path);
  const length = maxLength === undefined && minLength === undefined ? 0 : [...value].length;
  if (maxLength !== undefined && length > maxLength) return found(tooLong(at, maxLength));
  if (minLength !== undefined && length < minLength)
    return found(invalid(at, value, inBody(path, `should be at least ${minLength} chars long`)));
  if (pattern !== undefined && pattern !== "" && !compiled(pattern).test(value))
    return found(invalid(at, value, inBody(path, `should match '${pattern}'`)));
  return found();
}

/** Linear in the value, whatever the pattern: both come from outside. */
const patterns = new Map<string, RE2JS>();
const patternsMax = 1_000;
function compiled(pattern: string): { test(value: string): boolean } {
  let known = patterns.get(pattern);
  if (known === undefined) {
    known = RE2JS.compile(pattern);
    if (patterns.size >= patternsMax) patterns.clear();
    patterns.set(pattern, known);
  }
  const regexp = known;
  return { test: (value) => regexp.matcher(value).find() };
}

function checkFormat(value: string, { type, format }: JsonSchema, path: string): Findings {
  if (format === undefined || (type !== undefined && type !== "string") || hasFormat(format, value))
    return found();
  const text = inBody(path, `must be of type ${format}: ${JSON.stringify(value)}`);
  return found(typeInvalid(shownPath(path), value, text));
}

function checkNumber(value: number | bigint, schema: JsonSchema, path: string): Findings {
  const out = found();
  const at = shownPath(path);
  const { type = "", format, multipleOf, maximum, minimum, exclusiveMaximum, exclusiveMinimum } = schema;
  const inSchemaRange = (number: number | bigint, name: string) => {
    if (isInRange(number, schema)) return true;
    const how = format ? `with format ${format}` : "(default format)";
    out.problems.push(invalid("", "", `${name} value must be of type ${type} ${how} in ${path}`));
    return false;
  };
  const add = (text: string) => out.problems.push(invalid(at, value, inBody(path, text)));
  // Go compares whole numbers as int64, and drops what a bound has behind its point; others as float64.
  const bound = (number: number, name: string) => {
    const whole = inSchemaRange(number, name) && isWhole(value);
    return whole
      ? { limit: Math.trunc(number), shown: String(BigInt(Math.trunc(number))) }
      : { limit: number, shown: goFloat(number) };
  };
  inSchemaRange(value, "Checked");
  if (multipleOf !== undefined) {
    const { limit, shown } = bound(multipleOf, "MultipleOf");
    if (!isMultiple(value, limit)) add(`should be a multiple of ${shown}`);
  }
  if (maximum !== undefined) {
    const { limit, shown } = bound(maximum, "Maximum boundary");
    if (exclusiveMaximum ? value >= limit : value > limit)
      add(`should be less than ${exclusiveMaximum ? "" : "or equal to "}${shown}`);
  }
  if (minimum !== undefined) {
    const { limit, shown } = bound(minimum, "Minimum boundary");
    if (exclusiveMinimum ? value <= limit : value < limit)
      add(`should be greater than ${exclusiveMinimum ? "" : "or equal to "}${shown}`);
  }
  // Counted as matched whatever was found: so Go counts.
  if (out.problems.length > 0) out.matched++;
  return out;
}

function isInRange(value: number | bigint, { type, format }: JsonSchema): boolean {
  if (type === "integer" && format === "int32")
    return isWhole(value) && -(2 ** 31) <= value && value < 2 ** 31;
  if (type === "integer") return isWhole(value) && -(2 ** 63) <= value && value < 2 ** 63;
  if (type === "number" && format === "float") return Number.isFinite(Math.fround(Number(value)));
  return true;
}

/** A whole number, however large. */
const isWhole = (value: number | bigint) => typeof value === "bigint" || Number.isInteger(value);

function isMultiple(number: number | bigint, factor: number): boolean {
  if (isWhole(number) && Number.isInteger(factor))
    return factor === 0 || BigInt(number) % BigInt(factor) === 0n;
  const value = Number(number);
  const times = factor < 1 ? (1 / factor) * value : value / factor;
  return Math.abs(times - Math.round(times)) <= 1e-9 * Math.max(1, Math.abs(times));
}

function checkList(
  value: readonly unknown[],
  schema: JsonSchema,
  path: string,
  old: Old | undefined,
): Findings {
  const out = found();
  const at = shownPath(path);
  const { items, minItems, maxItems } = schema;
  const stored = items === undefined ? undefined : keyedItems(schema, old?.value);
  if (items !== undefined)
    for (const [index, item] of value.entries()) {
      const before = stored?.get(item);
      const known = before === undefined ? undefined : { value: before };
      addTo(out, checkKept(item, items, `${path}[${index}]`, known));
    }
  if (minItems !== undefined && value.length < minItems)
    out.problems.push(invalid(at, value.length, inBody(path, `should have at least ${minItems} items`)));
  if (maxItems !== undefined && value.length > maxItems)
    out.problems.push(tooMany(at, value.length, maxItems));
  return out;
}

function checkEnum(value: unknown, schema: JsonSchema, path: string): Findings {
  const { enum: allowed } = schema;
  if (allowed === undefined || allowed.length === 0 || allowed.some((one) => isSame(one, value)))
    return found();
  const values = allowed.map((one) => (typeof one === "string" ? one : exactJsonText(one)));
  return found(notSupported(shownPath(path), value, values));
}

function checkProperties(
  value: Readonly<Record<string, unknown>>,
  schema: JsonSchema,
  path: string,
  old: Old | undefined,
): Findings {
  const out = found();
  const at = shownPath(path);
  const { properties = {}, minProperties, maxProperties } = schema;
  const count = Object.keys(value).length;
  if (minProperties !== undefined && count < minProperties)
    out.problems.push(invalid(at, count, inBody(path, `should have at least ${minProperties} properties`)));
  if (maxProperties !== undefined && count > maxProperties)
    out.problems.push(tooMany(at, count, maxProperties));
  const additional = additionalOf(schema);
  for (const [name, one] of Object.entries(value)) {
    if (Object.hasOwn(properties, name)) continue;
    if (schema.additionalProperties === false)
      out.problems.push(invalid(at, name, inBody(`${path}.${name}`, "is a forbidden property")));
    else if (additional !== undefined)
      addTo(out, checkKept(one, additional, `${path}.${name}`, memberOf(old, name, path)));
  }
  for (const [name, property] of Object.entries(properties))
    if (Object.hasOwn(value, name))
      addTo(
        out,
        checkKept(value[name], property, path === "" ? name : `${path}.${name}`, memberOf(old, name, path)),
      );
  for (const name of schema.required ?? [])
    if (!Object.hasOwn(value, name)) out.problems.push(required(shownPath(`${path}.${name}`)));
  return out;
}

const shownPath = (path: string) => (path.startsWith(".") ? path.slice(1) : path);

/** Where the schema lists whole numbers Go compares with the whole part. */
function isSame(allowed: unknown, value: unknown): boolean {
  if (typeof allowed === "number" && typeof value === "number" && Number.isInteger(allowed))
    return Math.trunc(value) === allowed;
  return sameValue(allowed, value);
}
