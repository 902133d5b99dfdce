import { parseExactJson } from "../../../base/exact-json.ts";
import { latin1, text, WireError, WireReader } from "../../../base/wire.ts";
import { goDurationText } from "../../../client/rules/go-duration.ts";
import { meansUnset, type SchemaField, type SchemaType } from "./load.ts";
import { type Layout, layoutOf, messageOf, wireTypeOf } from "./protobuf-layout.ts";
import { schemaFormOf } from "./schema-forms.ts";

/** Kubernetes' protobuf messages -> what the same object is in JSON. Clients write even what is not set, as zero; such
 *  fields come out absent (see `SchemaField.z`), as they are absent from JSON. */

export type Json = Record<string, unknown>;

const depthMax = 100;

export function decodeMessage(type: SchemaType, reader: WireReader): Json {
  const out: Json = {};
  readInto(layoutOf(type), type.k, { reader, out });
  return out;
}

interface Place {
  readonly reader: WireReader;
  readonly out: Json;
}

function readInto(layout: Layout, message: string, { reader, out }: Place): void {
  if (reader.depth > depthMax) throw new WireError(`messages nested deeper than ${depthMax}`);
  while (reader.position < reader.end) {
    const { number, wireType } = readTag(reader, message);
    const entry = layout.get(number);
    if (entry === undefined) skip(reader, wireType);
    else if (entry.kind === "inlined") {
      expect(wireType, 2, message);
      readInto(entry.layout, message, { reader: inner(reader), out });
    } else readField(entry.name, entry.field, { wireType, reader, out });
  }
}

/** Fails in the words of Kubernetes' decoder. @param message Its name. */
export function readTag(
  reader: WireReader,
  message: string,
): { readonly number: number; readonly wireType: number } {
  const tag = reader.varintLow();
  const [number, wireType] = [tag >>> 3, tag & 7];
  if (wireType === 4) throw new WireError(`proto: ${message}: wiretype end group for non-group`);
  if (number === 0) throw new WireError(`proto: ${message}: illegal tag ${number} (wire type ${wireType})`);
  return { number, wireType };
}

/** Passes over a field that is not known; groups, which nobody writes any more, too. */
export function skip(reader: WireReader, wireType: number): void {
  let depth = 0;
  let type = wireType;
  for (;;) {
    if (type === 3) depth += 1;
    else if (type === 4) depth -= 1;
    else if (type > 5) throw new WireError(`proto: illegal wireType ${type}`);
    else reader.skip(type);
    if (depth === 0) return;
    type = reader.varintLow() & 7;
  }
}

interface At extends Place {
  readonly wireType: number;
}

function readField(name: string, field: SchemaField, { wireType, reader, out }: At): void {
  switch (field.c) {
    case undefined: {
      const value = readValue(name, field, { reader, wireType });
      // A time that is not set is an empty message and null in JSON.
      if (value !== undefined && !meansUnset(field, value)) out[name] = value;
      return;
    }
    case "list": {
      const list = listAt(out, name);
      if (wireType === 2 && field.t === "integer") {
        const packed = inner(reader);
        while (packed.position < packed.end)
          list.push(readValue(name, field, { reader: packed, wireType: 0 }));
      } else list.push(readValue(name, field, { reader, wireType }) ?? null);
      return;
    }
    case "map":
    case "mapOfLists": {
      expect(wireType, 2, goName(name, field));
      const map = mapAt(out, name);
      const [key, value] = readPair(name, field, inner(reader));
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

function readPair(name: string, field: SchemaField, reader: WireReader): readonly [string, unknown] {
  let key = "";
  let value: unknown = emptyValue(field);
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag >> 3 === 1) key = text(reader.bytes());
    else if (tag >> 3 !== 2) skip(reader, tag & 7);
    else if (field.c === "mapOfLists") value = readStrings(inner(reader));
    else value = readValue(name, field, { reader, wireType: tag & 7 }) ?? value;
  }
  return [key, value];
}

/** A list of strings that is a message of its own (extra values of a user). */
function readStrings(reader: WireReader): readonly string[] {
  const out: string[] = [];
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag >> 3 === 1) out.push(text(reader.bytes()));
    else skip(reader, tag & 7);
  }
  return out;
}

function emptyValue(field: SchemaField): unknown {
  if (field.c === "mapOfLists") return [];
  if (schemaFormOf(field) !== undefined) return null;
  return messageOf(field) === undefined ? "" : {};
}

function readValue(
  name: string,
  field: SchemaField,
  { reader, wireType }: Pick<At, "reader" | "wireType">,
): unknown {
  expect(wireType, wireTypeOf(field), goName(name, field));
  switch (field.t) {
    case "string":
      return text(reader.bytes());
    case "integer":
      // Those that cannot be kept exactly are refused as those in JSON are, by the names of their fields.
      return field.f === "int32" ? reader.varintLow() | 0 : reader.varintExact();
    case "boolean":
      return reader.varintClamped() !== 0;
    case "number":
      return reader.fixed(8).getFloat64(0, true);
    case "bytes":
      return Buffer.from(reader.bytes()).toString("base64");
  }
  const nested = inner(reader);
  switch (field.t) {
    case "time":
      return readTime(nested, 0);
    case "microtime":
      return readTime(nested, 6);
    case "duration":
      return goDurationText(readWhole(nested));
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
    else skip(reader, tag & 7);
  }
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) throw new WireError(`time of ${seconds} seconds is out of range`);
  const whole = date.toISOString().replace(/\.\d+Z$/, "");
  return digits === 0 ? `${whole}Z` : `${whole}.${String(Math.trunc(nanos / 1000)).padStart(6, "0")}Z`;
}

/** A message of one whole number. */
function readWhole(reader: WireReader): number {
  let value = 0;
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 8) value = reader.varint();
    else skip(reader, tag & 7);
  }
  return value;
}

/** type = 1 (0 number, 1 text), intVal = 2, strVal = 3. */
function readIntOrString(reader: WireReader): string | number {
  let isText = false;
  let number = 0;
  let word = "";
  while (reader.position < reader.end) {
    const tag = reader.varint();
    if (tag === 8) isText = reader.varintLow() === 1;
    else if (tag === 16) number = reader.varintLow() | 0;
    else if (tag === 26) word = text(reader.bytes());
    else skip(reader, tag & 7);
  }
  return isText ? word : number;
}

/** RawExtension, FieldsV1 and JSON: JSON in field 1. */
function readRaw(reader: WireReader): unknown {
  const raw = readSingle(reader).text;
  if (raw === undefined || raw === "") return undefined;
  try {
    return parseExactJson(raw);
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
    else skip(reader, tag & 7);
  }
  return found;
}

function inner(reader: WireReader): WireReader {
  const nested = new WireReader(reader.bytes());
  nested.depth = reader.depth + 1;
  return nested;
}

function expect(wireType: number, wanted: number, field: string): void {
  if (wireType !== wanted) throw new WireError(`proto: wrong wireType = ${wireType} for field ${field}`);
}

/** What Kubernetes calls a field in Go, near enough. */
function goName(name: string, { t }: SchemaField): string {
  if (name === "metadata") return t.replace(/^V\d+/, "");
  const initials = /^(api|uid|ip|url|fs|tls|ttl|csi|nfs|rbd|wwids)(?![a-z])/.exec(name)?.[1];
  const first = initials ?? name.slice(0, 1);
  return first.toUpperCase() + name.slice(first.length);
}

export const magicOf = (body: Uint8Array): string => latin1(body.subarray(0, 4));
