import { WireWriter } from "../../../base/wire.ts";
import type { SchemaField, SchemaType } from "./load.ts";
import type { Json } from "./protobuf-decode.ts";
import { type Layout, layoutOf, messageOf } from "./protobuf-layout.ts";
import { schemaFormOf } from "./schema-forms.ts";

/** A JSON-shaped object -> its protobuf message; fields that are absent or null are left out. */
export function encodeMessage(type: SchemaType, object: Json): Uint8Array {
  const writer = new WireWriter();
  writeInto(layoutOf(type), writer, object);
  return writer.finish();
}

function writeInto(layout: Layout, writer: WireWriter, object: Json): void {
  for (const [number, entry] of [...layout].sort(([a], [b]) => a - b)) {
    if (entry.kind === "inlined") {
      writer.varint(number * 8 + 2).nested(() => writeInto(entry.layout, writer, object));
      continue;
    }
    const value = object[entry.name];
    if (value !== undefined && value !== null) writeField(number, entry.field, writer, value);
  }
}

function writeField(number: number, field: SchemaField, writer: WireWriter, value: unknown): void {
  if (field.c === undefined) {
    writeValue(number, field, writer, value);
    return;
  }
  if (field.c === "list") {
    if (Array.isArray(value)) for (const element of value) writeValue(number, field, writer, element);
    return;
  }
  for (const [key, element] of Object.entries(value as Json)) {
    writer.varint(number * 8 + 2).nested(() => {
      writer.varint(10).string(key);
      if (field.c === "map") writeValue(2, field, writer, element);
      else {
        writer.varint(18).nested(() => {
          for (const word of element as string[]) writer.varint(10).string(word);
        });
      }
    });
  }
}

function writeValue(number: number, field: SchemaField, writer: WireWriter, value: unknown): void {
  switch (field.t) {
    case "integer":
      writer.varint(number * 8).varint(Number(value));
      return;
    case "boolean":
      writer.varint(number * 8).varint(value === true ? 1 : 0);
      return;
    case "number":
      writer.varint(number * 8 + 1).fixed(8, (view) => view.setFloat64(0, Number(value), true));
      return;
  }
  writer.varint(number * 8 + 2);
  switch (field.t) {
    case "string":
      writer.string(String(value));
      return;
    case "bytes":
      writer.bytes(Buffer.from(String(value), "base64"));
      return;
    case "quantity":
      writer.nested(() => writer.varint(10).string(String(value)));
      return;
    case "any":
    case "json":
      writer.nested(() => writer.varint(10).string(JSON.stringify(value)));
      return;
    case "time":
    case "microtime":
      writer.nested(() => writeTime(writer, String(value)));
      return;
    case "intOrString":
      writer.nested(() => {
        if (typeof value === "number") writer.varint(8).varint(0).varint(16).varint(value);
        else writer.varint(8).varint(1).varint(26).string(String(value));
      });
      return;
  }
  const form = schemaFormOf(field);
  if (form !== undefined) {
    writer.nested(() => writeInto(layoutOf(form.message), writer, form.toParts(value)));
    return;
  }
  const message = messageOf(field);
  if (message === undefined) throw new RangeError(`no layout for ${field.t}`);
  writer.nested(() => writeInto(layoutOf(message), writer, value as Json));
}

function writeTime(writer: WireWriter, value: string): void {
  const seconds = Math.floor(Date.parse(value) / 1000);
  const fraction = /\.(\d{1,9})/.exec(value)?.[1] ?? "";
  writer.varint(8).varint(seconds);
  if (fraction !== "") writer.varint(16).varint(Number(fraction.padEnd(9, "0")));
}
