import { latin1, text, WireError, WireReader } from "../../../base/wire.ts";
import { meansUnset, type SchemaField, type SchemaType } from "./load.ts";
import { type Layout, layoutOf, messageOf } from "./protobuf-layout.ts";
import { schemaFormOf } from "./schema-forms.ts";

/** Kubernetes' protobuf messages -> what the same object is in JSON. Clients write even what is not set, as zero; such
 *  fields come out absent (see `SchemaField.z`), as they are absent from JSON. */

export type Json = Record<string, unknown>;

const depthMax = 100;

export function decodeMessage(type: SchemaType, reader: WireReader): Json {
  const out: Json = {};
  readInto(layoutOf(type), reader, out);
  return out;
}

function readInto(layout: Layout, reader: WireReader, out: Json): void {
  if (reader.depth > depthMax) throw new WireError(`messages nested deeper than ${depthMax}`);
  while (reader.position < reader.end) {
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    const wireType = tag & 7;
    const entry = layout.get(number);
    if (number === 0) throw new WireError(`illegal tag ${tag}`);
    if (entry === undefined) reader.skip(wireType);
    else if (entry.kind === "inlined") {
      expect(wireType, 2, "message");
      readInto(entry.layout, inner(reader), out);
    } else readField(entry.name, entry.field, { wireType, reader, out });
  }
}

interface At {
  readonly wireType: number;
  readonly reader: WireReader;
  readonly out: Json;
}

function readField(name: string, field: SchemaField, { wireType, reader, out }: At): void {
  switch (field.c) {
    case undefined: {
      const value = readValue(field, reader, wireType);
      // A time that is not set is an empty message and null in JSON.
      if (value !== undefined && !meansUnset(field, value)) out[name] = value;
      return;
    }
    case "list": {
      const list = listAt(out, name);
      if (wireType === 2 && field.t === "integer") {
        const packed = inner(reader);
        while (packed.position < packed.end) list.push(readValue(field, packed, 0));
      } else list.push(readValue(field, reader, wireType) ?? null);
      return;
    }
    case "map":
    case "mapOfLists": {
      expect(wireType, 2, name);
      const map = mapAt(out, name);
      const [key, value] = readPair(field, inner(reader));
      map[key] = value;
      return;
    }
  }
}

function listAt(out: Json, name: string): unknown[] {
  const found = out[name];
  if (Array.isArray(found)) return found;
  const list: unknown[] = [];
  out[name] = list;
  return list;
}

function mapAt(out: Json, name: string): Json {
  const found = out[name];
  if (typeof found === "object" && found !== null) return found as Json;
  // Keys come from the client; a plain object would trip over `__proto__`.
  const map: Json = Object.create(null) as Json;
  out[name] = map;
  return map;
}

function readPair(field: SchemaField, reader: WireReader): readonly [string, unknown] {
  let key = "";
  let value: unknown = emptyValue(field);
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag >> 3 === 1) key = text(reader.bytes());
    else if (tag >> 3 !== 2) reader.skip(tag & 7);
    else if (field.c === "mapOfLists") value = readStrings(inner(reader));
    else value = readValue(field, reader, tag & 7) ?? value;
  }
  return [key, value];
}

/** A list of strings that is a message of its own (extra values of a user). */
function readStrings(reader: WireReader): readonly string[] {
  const out: string[] = [];
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag >> 3 === 1) out.push(text(reader.bytes()));
    else reader.skip(tag & 7);
  }
  return out;
}

function emptyValue(field: SchemaField): unknown {
  if (field.c === "mapOfLists") return [];
  if (schemaFormOf(field) !== undefined) return null;
  return messageOf(field) === undefined ? "" : {};
}

function readValue(field: SchemaField, reader: WireReader, wireType: number): unknown {
  switch (field.t) {
    case "string":
      expect(wireType, 2, "string");
      return text(reader.bytes());
    case "integer":
      expect(wireType, 0, "integer");
      return field.f === "int32" ? reader.varint() | 0 : reader.varint();
    case "boolean":
      expect(wireType, 0, "boolean");
      return reader.varint() !== 0;
    case "number":
      expect(wireType, 1, "number");
      return reader.fixed(8).getFloat64(0, true);
    case "bytes":
      expect(wireType, 2, "bytes");
      return Buffer.from(reader.bytes()).toString("base64");
  }
  expect(wireType, 2, field.t);
  const nested = inner(reader);
  switch (field.t) {
    case "time":
      return readTime(nested, 0);
    case "microtime":
      return readTime(nested, 6);
    case "quantity":
      return readSingle(nested).text ?? "0";
    case "intOrString":
      return readIntOrString(nested);
    case "any":
    case "json":
      return readRaw(nested);
  }
  const form = schemaFormOf(field);
  if (form !== undefined) return form.toJson(decodeMessage(form.message, nested));
  const message = messageOf(field);
  if (message === undefined) throw new WireError(`no layout for ${field.t}`);
  return decodeMessage(message, nested);
}

/** seconds = 1, nanos = 2. An empty message is the zero time. */
function readTime(reader: WireReader, digits: 0 | 6): string | undefined {
  let seconds: number | undefined;
  let nanos = 0;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 8) seconds = reader.varint();
    else if (tag === 16) nanos = reader.varint();
    else reader.skip(tag & 7);
  }
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError(`time of ${seconds} seconds is out of range`);
  const whole = date.toISOString().replace(/\.\d+Z$/, "");
  return digits === 0 ? `${whole}Z` : `${whole}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`;
}

/** type = 1 (0 number, 1 text), intVal = 2, strVal = 3. */
function readIntOrString(reader: WireReader): string | number {
  let isText = false;
  let number = 0;
  let word = "";
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 8) isText = reader.varint() === 1;
    else if (tag === 16) number = reader.varint() | 0;
    else if (tag === 26) word = text(reader.bytes());
    else reader.skip(tag & 7);
  }
  return isText ? word : number;
}

/** RawExtension, FieldsV1 and JSON: JSON in field 1. */
function readRaw(reader: WireReader): unknown {
  const raw = readSingle(reader).text;
  if (raw === undefined || raw === "") return undefined;
  try {
    return JSON.parse(raw);
  } catch (error) {
    throw new WireError(
      `embedded object is not JSON: ${error instanceof Error ? error.message : "unreadable"}`,
    );
  }
}

/** A message of one length-delimited field 1. */
function readSingle(reader: WireReader): { readonly text?: string } {
  let found: { readonly text?: string } = {};
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 10) found = { text: text(reader.bytes()) };
    else reader.skip(tag & 7);
  }
  return found;
}

function inner(reader: WireReader): WireReader {
  const nested = new WireReader(reader.bytes());
  nested.depth = reader.depth + 1;
  return nested;
}

function expect(wireType: number, wanted: number, what: string): void {
  if (wireType !== wanted) throw new WireError(`wire type ${wireType} where ${what} needs ${wanted}`);
}

export const magicOf = (body: Uint8Array): string => latin1(body.subarray(0, 4));
