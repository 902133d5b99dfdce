import { JsonNumber, type JsonObject, type JsonText } from "./json-text.ts";
import type { Field, JsonForm, Message } from "./protobuf.ts";
import { clampedToSafe } from "./wire.ts";

/** Messages as JSON (https://protobuf.dev/programming-guides/json/), in the names of the definition as grpc-gateway has
 *  them: 64-bit numbers are text, bytes base64, enums names. Reading also takes each name in lower camel case. */
export class JsonFormError extends Error {
  override readonly name = "JsonFormError";
}

/** What the definition calls a field: `raft_term`, `memberID`. */
export function definedName(field: string, row: Field<unknown>): string {
  return row.definedName ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** protobuf's own JSON name. */
const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** Fields at their default are left out. */
export function toJson(type: Message<object>, value: object): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(type.fields)) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined || row.isDefault(field as never)) continue;
    out[definedName(name, row)] =
      row.shape === "repeated"
        ? (field as unknown[]).map((element) => valueToJson(row.json, element))
        : valueToJson(row.json, field);
  }
  return out;
}

/** What may be encoded. Unknown names are skipped, as etcd's gateway does. Throws JsonFormError naming field and rule. */
export function fromJson(type: Message<object>, json: JsonText): object {
  if (!(json instanceof Map)) throw new JsonFormError("an object is expected");
  const given = json as JsonObject;
  const out: Record<string, unknown> = {};
  const chosen = new Map<string, string>();
  for (const [name, row] of Object.entries(type.fields)) {
    const defined = definedName(name, row);
    const field = given.get(defined) ?? null;
    const other = camel(defined) === defined ? null : (given.get(camel(defined)) ?? null);
    if (field !== null && other !== null) throw new JsonFormError(`${defined} is given twice`);
    const said = field ?? other;
    if (said === null) continue;
    if (row.oneOf !== undefined) {
      const before = chosen.get(row.oneOf);
      if (before !== undefined) throw new JsonFormError(`${before} and ${defined} exclude each other`);
      chosen.set(row.oneOf, defined);
    }
    out[name] = fieldFromJson(defined, row, said);
  }
  return out;
}

function fieldFromJson(name: string, row: Field<unknown>, json: JsonText): unknown {
  try {
    if (row.shape !== "repeated") return valueFromJson(row.json, json);
    if (!Array.isArray(json)) throw new JsonFormError("a list is expected");
    return json.map((element: JsonText) => valueFromJson(row.json, element));
  } catch (error) {
    if (error instanceof JsonFormError) throw new JsonFormError(`${name}: ${error.message}`);
    throw error;
  }
}

function valueToJson(form: JsonForm, value: unknown): unknown {
  switch (form.kind) {
    case "long":
      return String(value);
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("base64");
    case "message":
      return toJson(form.type(), value as object);
    default:
      return value;
  }
}

function valueFromJson(form: JsonForm, json: JsonText): unknown {
  switch (form.kind) {
    case "bool":
      if (typeof json !== "boolean") throw new JsonFormError("true or false is expected");
      return json;
    case "string":
      if (typeof json !== "string") throw new JsonFormError("a string is expected");
      return json;
    case "uint32":
      return Number(wholeNumber(json, { bits: 32, signed: false }));
    case "long": {
      const value = wholeNumber(json, { bits: 64, signed: form.signed });
      if (form.as === "exact") return value;
      const safe = clampedToSafe(value);
      if (form.as === "safe" && BigInt(safe) !== value) throw new JsonFormError(`${value} is beyond 2^53`);
      return safe;
    }
    case "enum":
      return enumFromJson(form.names, json);
    case "bytes":
      return bytesFromJson(json);
    case "message":
      return fromJson(form.type(), json);
  }
}

function enumFromJson(names: Readonly<Record<string, number>>, json: JsonText): string | number {
  if (json instanceof JsonNumber) {
    const value = Number(wholeNumber(json, { bits: 32, signed: true }));
    return Object.keys(names).find((name) => names[name] === value) ?? value;
  }
  if (typeof json === "string" && Object.hasOwn(names, json)) return json;
  throw new JsonFormError(`one of ${Object.keys(names).join(", ")} is expected`);
}

/** Standard or URL-safe alphabet, with its padding or without any; line ends are skipped, as Go does. */
function bytesFromJson(json: JsonText): Uint8Array {
  if (typeof json !== "string") throw new JsonFormError("base64 is expected");
  const padded = json.length % 4 === 0;
  const text = /[\r\n]/.test(json) ? json.replaceAll(/[\r\n]/g, "") : json;
  const digits = text.replace(/={1,2}$/, "");
  const isWhole = padded ? text.length % 4 === 0 : digits === text && text.length % 4 !== 1;
  // By what must not occur: a pattern that goes over all of a long text would remember each of its steps.
  if (!isWhole || (/[^A-Za-z0-9+/]/.test(digits) && /[^A-Za-z0-9_-]/.test(digits)))
    throw new JsonFormError("base64 is expected");
  return Buffer.from(digits, "base64");
}

const plainWhole = /^-?(?:0|[1-9]\d*)$/;
const anyNumber = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** More digits than the text of any 64-bit number needs. */
const digitsMax = 400;

/** A number, or text of one, whose value is whole and fits: `5`, `"5"`, `5.0`, `5e3`. */
function wholeNumber(json: JsonText, kind: { readonly bits: number; readonly signed: boolean }): bigint {
  const text = json instanceof JsonNumber ? json.text : json;
  if (typeof text !== "string") throw new JsonFormError("a whole number is expected");
  const value = text.length > digitsMax ? undefined : plainWhole.test(text) ? BigInt(text) : scaled(text);
  if (value === undefined) throw new JsonFormError(`${text.slice(0, digitsMax)} is not a whole number`);
  const fits = kind.signed ? BigInt.asIntN(kind.bits, value) : BigInt.asUintN(kind.bits, value);
  if (fits !== value)
    throw new JsonFormError(`${text} does not fit ${kind.signed ? "int" : "uint"}${kind.bits}`);
  return value;
}

/** The value of a number with a fraction or an exponent, if it is whole. */
function scaled(text: string): bigint | undefined {
  const match = anyNumber.exec(text);
  if (match === null) return undefined;
  const [, sign = "", whole = "", fraction = "", exponent = "0"] = match;
  const significant = `${whole}${fraction}`.replace(/0+$/, "");
  if (significant.replace(/^0+/, "") === "") return 0n;
  const power = Number(exponent) - fraction.length + (whole.length + fraction.length - significant.length);
  if (power < 0 || power > digitsMax) return undefined;
  return BigInt(`${sign}${significant}${"0".repeat(power)}`);
}
