import { WireWriter } from "../../../base/wire.ts";
import { readGoDuration } from "../../../client/rules/go-duration.ts";
import { jsonText } from "../json.ts";
import type { SchemaField, SchemaType } from "./load.ts";
import type { Json } from "./protobuf-decode.ts";
import { type Layout, layoutOf, messageOf, wireTypeOf } from "./protobuf-layout.ts";
import { schemaFormOf } from "./schema-forms.ts";

/** A JSON-shaped object -> its protobuf message, byte for byte as Kubernetes' Go types are written: fields in the order of
 *  their numbers, maps in that of their keys, and what is no pointer in Go even where it is not set. */
export function encodeMessage(type: SchemaType, object: Json): Uint8Array {
  const writer = new WireWriter(1024);
  writeMessage(type, writer, object);
  return writer.finish();
}

/** Writes the same where the caller is. */
export function writeMessage(type: SchemaType, writer: WireWriter, object: Json): void {
  for (const write of fieldWriters(layoutOf(type))) write(writer, object);
}

type FieldWriter = (writer: WireWriter, object: Json) => void;
/** Writes what follows the tag. Undefined: the type's zero. */
type ValueWriter = (writer: WireWriter, value: unknown) => void;

const made = new Map<Layout, readonly FieldWriter[]>();

/** Writers of a message's fields, in order; made once. */
function fieldWriters(layout: Layout): readonly FieldWriter[] {
  let writers = made.get(layout);
  if (writers === undefined) {
    const entries = [...layout].sort(([a], [b]) => a - b);
    writers = entries.map(([number, entry]): FieldWriter => {
      if (entry.kind === "field") return fieldWriter(number, entry.name, entry.field);
      const tag = number * 8 + 2;
      return (writer, object) =>
        writer.varint(tag).nested(() => {
          for (const write of fieldWriters(entry.layout)) write(writer, object);
        });
    });
    made.set(layout, writers);
  }
  return writers;
}

function fieldWriter(number: number, name: string, field: SchemaField): FieldWriter {
  const write = valueWriter(field);
  const tag = number * 8 + wireTypeOf(field);
  switch (field.c) {
    case "list":
      return (writer, object) => {
        const list = object[name];
        if (Array.isArray(list)) for (const element of list) write(writer.varint(tag), element ?? undefined);
      };
    case "map":
    case "mapOfLists":
      return mapWriter(number * 8 + 2, name, field);
  }
  const isAlways = isAlwaysWritten(field);
  return (writer, object) => {
    const value = object[name] ?? undefined;
    if (value !== undefined || isAlways) write(writer.varint(tag), value);
  };
}

function mapWriter(tag: number, name: string, field: SchemaField): FieldWriter {
  const write = field.c === "mapOfLists" ? writeStrings : valueWriter(field);
  const valueTag = 2 * 8 + wireTypeOf(field);
  return (writer, object) => {
    const map = object[name];
    if (typeof map !== "object" || map === null) return;
    const pairs = Object.entries(map).sort(([a], [b]) => compareUtf8(a, b));
    for (const [key, value] of pairs)
      writer.varint(tag).nested(() => {
        writer.varint(10).string(key);
        // Bytes are a slice in Go, which may be nil.
        if (value !== null || field.t !== "bytes") write(writer.varint(valueTag), value ?? undefined);
      });
  };
}

/** The order of the bytes, which is not that of UTF-16 beyond its surrogates. */
function compareUtf8(a: string, b: string): number {
  const isPlain = a < "\ud800" && b < "\ud800";
  if (isPlain && !/[\ud800-\uffff]/.test(a + b)) return a < b ? -1 : a > b ? 1 : 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Fields that are no pointers in Go have a value in any message. */
function isAlwaysWritten(field: SchemaField): boolean {
  if (field.w === 1) return true;
  switch (field.t) {
    case "string":
    case "boolean":
    case "integer":
    case "number":
      return field.z !== 1;
    default:
      return field.d === 1;
  }
}

function valueWriter(field: SchemaField): ValueWriter {
  switch (field.t) {
    case "string":
      return (writer, value = "") => writer.string(String(value));
    case "integer":
      return (writer, value = 0) => writer.varint(Number(value));
    case "boolean":
      return (writer, value) => writer.varint(value === true ? 1 : 0);
    case "number":
      return (writer, value = 0) => writer.fixed(8, (view) => view.setFloat64(0, Number(value), true));
    case "bytes":
      return (writer, value = "") => writer.bytes(Buffer.from(String(value), "base64"));
    case "quantity":
      return (writer, value = "0") => writer.nested(() => writer.varint(10).string(String(value)));
    case "any":
    case "json":
      return (writer, value) =>
        writer.nested(() => value !== undefined && writer.varint(10).string(jsonText(value)));
    case "time":
    case "microtime":
      return (writer, value = "") => writer.nested(() => writeTime(writer, String(value)));
    case "duration":
      return (writer, value = "0s") =>
        writer.nested(() => writer.varint(8).varint(nanosecondsOf(String(value))));
    case "intOrString":
      return (writer, value = 0) => writer.nested(() => writeIntOrString(writer, value));
  }
  const form = schemaFormOf(field);
  if (form !== undefined)
    return (writer, value) => writer.nested(() => writeMessage(form.message, writer, form.toParts(value)));
  const message = messageOf(field);
  if (message === undefined) throw new RangeError(`no layout for ${field.t}`);
  return (writer, value = {}) => writer.nested(() => writeMessage(message, writer, value as Json));
}

/** A list of strings that is a message of its own (extra values of a user). */
const writeStrings: ValueWriter = (writer, value) => {
  writer.nested(() => {
    if (Array.isArray(value)) for (const word of value) writer.varint(10).string(String(word));
  });
};

/** seconds = 1, nanos = 2. A time that is not set is an empty message. */
function writeTime(writer: WireWriter, value: string): void {
  if (value === "") return;
  const seconds = Math.floor(Date.parse(value) / 1000);
  const fraction = /\.(\d{1,6})/.exec(value)?.[1] ?? "";
  writer.varint(8).varint(seconds);
  writer.varint(16).varint(Number(fraction.padEnd(9, "0")));
}

/** A duration is its nanoseconds. */
function nanosecondsOf(value: string): number {
  const read = readGoDuration(value);
  if (!read.ok) throw new RangeError(read.problem);
  return read.nanoseconds;
}

/** type = 1 (0 number, 1 text), intVal = 2, strVal = 3. */
function writeIntOrString(writer: WireWriter, value: unknown): void {
  const isText = typeof value !== "number";
  writer.varint(8).varint(isText ? 1 : 0);
  writer.varint(16).varint(isText ? 0 : value);
  writer.varint(26).string(isText ? String(value) : "");
}
