import { chance, type Random } from "../../../base/os/random.ts";
import type { Field, JsonForm, Message } from "../../../base/protobuf.ts";
import { definedName } from "../../../base/protobuf-json.ts";

/** A message as JSON in one of the ways that the same may be spelled: either of a field's names, numbers as text or not, values
 *  of an enum by number or name, fields that are null, that have their zero, or that nobody knows. */
export function spelled(random: Random, type: Message<object>, value: object): Record<string, unknown> {
  const rows = Object.entries(type.fields).map(([name, row]) => {
    const given = (value as Record<string, unknown>)[name];
    if (given === undefined) return chance(random, 0.02) ? [nameOf(random, name, row), null] : undefined;
    if (row.isDefault(given as never) && row.oneOf === undefined && chance(random, 0.9)) return undefined;
    const isList = row.shape === "repeated";
    const one = (inner: unknown) => spelledValue(random, row.json, inner);
    return [nameOf(random, name, row), isList ? (given as unknown[]).map(one) : one(given)];
  });
  const unknown = chance(random, 0.03) ? [["nobody_knows", { it: [1] }]] : [];
  return Object.fromEntries([...rows.filter((row) => row !== undefined), ...unknown]);
}

function nameOf(random: Random, name: string, row: Field<unknown>): string {
  const defined = definedName(name, row);
  const camel = defined.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  return chance(random, 0.3) ? camel : defined;
}

function spelledValue(random: Random, form: JsonForm, value: unknown): unknown {
  switch (form.kind) {
    case "message":
      return spelled(random, form.type(), value as object);
    case "long": {
      const isSmall = Math.abs(Number(value)) < 2 ** 53;
      return isSmall && chance(random, 0.4) ? Number(value) : String(value);
    }
    case "bytes": {
      const base64 = Buffer.from(value as Uint8Array).toString("base64");
      return chance(random, 0.1) ? base64.replaceAll("+", "-").replaceAll("/", "_") : base64;
    }
    case "enum":
      return typeof value === "string" && chance(random, 0.3) ? form.names[value] : value;
    default:
      return value;
  }
}

/** Bodies that are no message of any kind, or only just. */
export const oddBodies: readonly string[] = [
  "",
  " ",
  "{}",
  " {} ",
  "{",
  "[]",
  "null",
  "0",
  '"{}"',
  '{"key":"YQ=="',
  '{"key":"Y"}',
  '{"key":"YQ"}',
  '{"key":1}',
  '{"key":true}',
  '{"key":[]}',
  '{"key":"YQ==",}',
  "{'key':'YQ=='}",
  '{"limit":"1","key":"YQ=="}',
  '{"limit":1.0,"key":"YQ=="}',
  '{"limit":1e0,"key":"YQ=="}',
  '{"limit":1.5,"key":"YQ=="}',
  '{"limit":"x","key":"YQ=="}',
  '{"limit":" 1","key":"YQ=="}',
  '{"limit":"01","key":"YQ=="}',
  '{"limit":9223372036854775807,"key":"YQ=="}',
  '{"limit":"9223372036854775808","key":"YQ=="}',
  '{"sort_order":"DESCEND","key":"YQ=="}',
  '{"sort_order":9,"key":"YQ=="}',
  '{"serializable":"true","key":"YQ=="}',
  '{"serializable":1,"key":"YQ=="}',
  '{"serializable":null,"key":"YQ=="}',
  '{"success":{}}',
  '{"success":[null]}',
  '{"success":[{}]}',
  '{"success":[{"request_range":null}]}',
  '{"success":[{"request_range":{"key":"YQ=="},"request_put":{"key":"YQ=="}}]}',
  '{"\\u006bey":"YQ=="}',
  '{"key":"\\u0059Q=="}',
];

/** What is refused, of which etcd's gateway ignores what it does not understand (docs/reference/differences.md). */
export const refusedBodies: readonly string[] = [
  '{"key":"YQ=="}{"key":"YQ=="}',
  '{"key":"YQ=="},',
  '{"key":"YQ=="}x',
  '{"sort_order":"descend","key":"YQ=="}',
  '{"sort_order":"2","key":"YQ=="}',
];
