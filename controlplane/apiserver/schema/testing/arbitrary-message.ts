import fc from "fast-check";
import { type SchemaField, typeOf } from "../load.ts";
import { innerTypeOf } from "../schema-forms.ts";

const schemaMessage = "V1JSONSchemaProps";

const messages = new Map<string, fc.Arbitrary<Record<string, unknown>>>();

/** An object of a model; values that would mean "unset" are not made. */
export function message(model: string, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const key = `${model}/${depth}`;
  const made = messages.get(key) ?? newMessage(model, depth);
  messages.set(key, made);
  return made;
}

function newMessage(model: string, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.entries(typeOf(model)?.fields ?? {}).filter(([, { n }]) => n !== undefined);
  const usable = fields.filter(([, field]) => depth > 0 || innerTypeOf(field) === undefined);
  return fc
    .subarray(usable, { maxLength: Math.min(5, usable.length) })
    .chain((chosen) =>
      fc.record(Object.fromEntries(chosen.map(([name, field]) => [name, many(field, depth)]))),
    )
    .map((record) => ({ ...record }));
}

function many(field: SchemaField, depth: number): fc.Arbitrary<unknown> {
  const key = fc.constantFrom("a", "b.c/d", "é");
  const map = (value: fc.Arbitrary<unknown>) =>
    fc.dictionary(key, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
  switch (field.c) {
    case "list":
      return fc.array(one(field, depth), { minLength: 1, maxLength: 3 });
    case "map":
      return map(one(field, depth));
    case "mapOfLists":
      return map(fc.array(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }));
    default:
      return one(field, depth);
  }
}

function one(field: SchemaField, depth: number): fc.Arbitrary<unknown> {
  const inner = (model: string) => message(model, depth - 1);
  const seconds = fc.integer({ min: -62_000_000_000, max: 200_000_000_000 });
  const time = (s: number) => new Date(s * 1000).toISOString().slice(0, 19);
  switch (field.t) {
    case "string":
      return fc.string({ minLength: 1, maxLength: 5, unit: "binary" });
    case "bytes":
      return fc
        .uint8Array({ minLength: 1, maxLength: 5 })
        .map((value) => Buffer.from(value).toString("base64"));
    case "integer":
      return field.f === "int32"
        ? fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).filter((value) => value !== 0)
        : fc.maxSafeInteger().filter((value) => value !== 0);
    case "number":
      return fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => value !== 0);
    case "boolean":
      return fc.constant(true);
    case "quantity":
      return fc.constantFrom("1", "100m", "1.5Gi", "0");
    case "duration":
      return fc.constantFrom("0s", "5ns", "1.5µs", "250ms", "15.012s", "1m30s", "2h0m0.5s");
    case "intOrString":
      return fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.string({ maxLength: 5 }));
    case "any":
    case "json":
      return fc
        .jsonValue({ maxDepth: 1 })
        .filter((value) => value !== null && !hasLargeWholes(JSON.stringify(value)))
        .map((value) => JSON.parse(JSON.stringify(value)));
    case "time":
      return seconds.map((s) => `${time(s)}Z`).filter((text) => /^\d{4}-/.test(text));
    case "microtime":
      return seconds.map((s) => `${time(s)}.012345Z`).filter((text) => /^\d{4}-/.test(text));
    case "schemaOrList":
      return fc.oneof(inner(schemaMessage), fc.array(inner(schemaMessage), { minLength: 1, maxLength: 2 }));
    case "schemaOrBool":
      return fc.oneof(inner(schemaMessage), fc.boolean());
    case "schemaOrStrings":
      return fc.oneof(inner(schemaMessage), fc.array(fc.string({ maxLength: 5 }), { minLength: 1 }));
    default:
      return inner(field.t);
  }
}

/** Those that are read as another sort of number. */
const hasLargeWholes = (json: string) => /(?<![\d.])\d{16}/.test(json);
