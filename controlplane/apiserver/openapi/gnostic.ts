import { exactJsonText } from "../../../base/exact-json.ts";
import { WireWriter } from "../../../base/wire.ts";

/** JSON written as one of gnostic's protobuf messages (github.com/google/gnostic-models), in which every map is a list of named
 *  values, and every "one of" a message of its own. What a table of fields does not name is left out. Pure. */

export type Write = (writer: WireWriter, value: unknown) => void;

export function encode(write: Write, document: object): Uint8Array {
  const writer = new WireWriter(1024 * 1024);
  write(writer, document);
  return writer.finish();
}

/** A message by its JSON fields; `extensions` is the number of the list that holds `x-…`. */
export function message(fields: Readonly<Record<string, Write>>, extensions?: number): Write {
  const extension = extensions === undefined ? undefined : named(extensions, yaml);
  return (writer, value) => {
    for (const [name, one] of Object.entries(object(value))) {
      if (Object.hasOwn(fields, name)) fields[name]?.(writer, one);
      else if (name.startsWith("x-")) extension?.(writer, { [name]: one });
    }
  };
}

/** The message that a function gives, for messages within themselves. */
export const later = (write: () => Write): Write => {
  let made: Write | undefined;
  return (writer, value) => {
    made ??= write();
    made(writer, value);
  };
};

export const text =
  (number: number): Write =>
  (writer, value) => {
    if (typeof value === "string" && value !== "") writer.varint(number * 8 + 2).string(value);
  };
export const flag =
  (number: number): Write =>
  (writer, value) => {
    if (value === true) writer.varint(number * 8).varint(1);
  };
export const whole =
  (number: number): Write =>
  (writer, value) => {
    if (typeof value === "number" && value > 0) writer.varint(number * 8).varint(value);
  };
export const double =
  (number: number): Write =>
  (writer, value) => {
    if (typeof value !== "number" || value === 0) return;
    writer.varint(number * 8 + 1).fixed(8, (view) => view.setFloat64(0, value, true));
  };
export const nested =
  (number: number, write: Write): Write =>
  (writer, value) => {
    writer.varint(number * 8 + 2).nested(() => write(writer, value));
  };
/** Each element of a list. */
export const each =
  (write: Write): Write =>
  (writer, value) => {
    if (Array.isArray(value)) for (const one of value) write(writer, one);
  };
/** Each entry of a map as a message of a name and a value. */
export const named = (number: number, write: Write): Write => {
  const value = nested(2, write);
  return (writer, map) => {
    for (const [name, one] of Object.entries(object(map)))
      writer.varint(number * 8 + 2).nested(() => {
        writer.varint(10).string(name);
        value(writer, one);
      });
  };
};
/** The first for what has a `$ref`, the second for anything else. */
export const reference =
  (write: Write, otherwise: Write): Write =>
  (writer, value) =>
    ("$ref" in object(value) ? write : otherwise)(writer, value);

/** Any value, in YAML, of which JSON is a part. */
export const yaml: Write = (writer, value) => text(2)(writer, `${exactJsonText(value)}\n`);

/** What bounds a schema's values. Both versions number it in this order, from different numbers on. */
export const limitsFrom = (first: number): Readonly<Record<string, Write>> => ({
  multipleOf: double(first),
  maximum: double(first + 1),
  exclusiveMaximum: flag(first + 2),
  minimum: double(first + 3),
  exclusiveMinimum: flag(first + 4),
  maxLength: whole(first + 5),
  minLength: whole(first + 6),
  pattern: text(first + 7),
  maxItems: whole(first + 8),
  minItems: whole(first + 9),
  uniqueItems: flag(first + 10),
  maxProperties: whole(first + 11),
  minProperties: whole(first + 12),
  required: each(text(first + 13)),
  enum: each(nested(first + 14, yaml)),
});

/** Either a schema or whether anything may be there. */
export const orFlag =
  (schema: Write): Write =>
  (writer, value) =>
    (typeof value === "boolean" ? flag(2) : nested(1, schema))(writer, value);

export const externalDocs = message({ description: text(1), url: text(2) });

function object(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
