import type { Field, JsonForm, Message } from "./protobuf.ts";
import { latin1, latin1Bytes } from "./wire.ts";

/** Messages as JSON (https://protobuf.dev/programming-guides/json/): 64-bit numbers are text, bytes base64, enums names.
 *  `nameOf` says how a field is called in JSON; reading accepts our own names (camelCase) and those. */
export type NameOf = (field: string) => string;

export class JsonFormError extends Error {
  override readonly name = "JsonFormError";
}

/** Fields at their default are left out. */
export function toJson(type: Message<object>, value: object, nameOf: NameOf): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(type.fields)) {
    const field = (value as Record<string, unknown>)[name];
    if (field === undefined || row.isDefault(field as never)) continue;
    out[nameOf(name)] =
      row.shape === "repeated"
        ? (field as unknown[]).map((element) => valueToJson(row.json, element, nameOf))
        : valueToJson(row.json, field, nameOf);
  }
  return out;
}

/** What may be encoded. Unknown names are skipped, as etcd's gateway does. Throws JsonFormError naming field and rule. */
export function fromJson(type: Message<object>, json: unknown, nameOf: NameOf): object {
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new JsonFormError("an object is expected");
  const given = json as Readonly<Record<string, unknown>>;
  const out: Record<string, unknown> = {};
  for (const [name, row] of Object.entries(type.fields)) {
    const field = given[name] ?? given[nameOf(name)];
    if (field !== undefined && field !== null) out[name] = fieldFromJson(name, row, field, nameOf);
  }
  return out;
}

function fieldFromJson(name: string, row: Field<unknown>, json: unknown, nameOf: NameOf): unknown {
  try {
    if (row.shape !== "repeated") return valueFromJson(row.json, json, nameOf);
    if (!Array.isArray(json)) throw new JsonFormError("a list is expected");
    return json.map((element) => valueFromJson(row.json, element, nameOf));
  } catch (error) {
    if (error instanceof JsonFormError) throw new JsonFormError(`${name}: ${error.message}`);
    throw error;
  }
}

function valueToJson(form: JsonForm, value: unknown, nameOf: NameOf): unknown {
  switch (form.kind) {
    case "plain":
    case "enum":
      return value;
    case "long":
      return String(value);
    case "bytes":
      return Buffer.from(value as Uint8Array).toString("base64");
    case "byteString":
      return Buffer.from(latin1Bytes(value as string)).toString("base64");
    case "message":
      return toJson(form.type(), value as object, nameOf);
  }
}

function valueFromJson(form: JsonForm, json: unknown, nameOf: NameOf): unknown {
  switch (form.kind) {
    case "plain":
      return json;
    case "enum": {
      const name =
        typeof json === "number" ? Object.keys(form.names).find((key) => form.names[key] === json) : json;
      if (typeof name !== "string" || !Object.hasOwn(form.names, name))
        throw new JsonFormError(
          `${JSON.stringify(json)} is not one of ${Object.keys(form.names).join(", ")}`,
        );
      return name;
    }
    case "long":
      return longFromJson(json, form.isId);
    case "bytes":
    case "byteString": {
      if (typeof json !== "string" || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(json))
        throw new JsonFormError("base64 is expected");
      const bytes = Buffer.from(json, "base64");
      return form.kind === "bytes" ? bytes : latin1(bytes);
    }
    case "message":
      return fromJson(form.type(), json, nameOf);
  }
}

function longFromJson(json: unknown, isId: boolean): bigint | number {
  if (!/^-?\d+$/.test(String(json))) throw new JsonFormError(`${JSON.stringify(json)} is not a whole number`);
  if (isId) return BigInt(String(json));
  const value = Number(json);
  if (!Number.isSafeInteger(value)) throw new JsonFormError(`${json} is beyond 2^53`);
  return value;
}
