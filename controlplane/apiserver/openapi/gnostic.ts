import { WireWriter } from "../../../base/wire.ts";
import type { SwaggerDocument } from "./openapi-v2.ts";

/** Swagger 2.0 in gnostic's protobuf messages (github.com/google/gnostic-models openapiv2): every map is a list of
 *  named values, every "one of" a message of its own. Written straight from the JSON shape. */

type Json = Readonly<Record<string, unknown>>;
type Write = (writer: WireWriter) => void;

export function encodeGnostic(document: SwaggerDocument): Uint8Array {
  const writer = new WireWriter(1024 * 1024);
  text(writer, 1, document.swagger);
  nested(writer, 2, (info) => {
    text(info, 1, document.info.title);
    text(info, 2, document.info.version);
  });
  nested(writer, 8, (paths) => {
    for (const [path, item] of Object.entries(document.paths))
      named(paths, 2, path, (value) => pathItem(value, item));
  });
  nested(writer, 9, (all) => {
    for (const [name, one] of Object.entries(document.definitions))
      named(all, 1, name, (value) => schema(value, { ...one }));
  });
  return writer.finish();
}

const methodNumbers: Readonly<Record<string, number>> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 };

function pathItem(writer: WireWriter, item: Json): void {
  for (const [method, value] of Object.entries(item)) {
    const number = methodNumbers[method];
    if (number !== undefined) nested(writer, number, (one) => operation(one, object(value)));
  }
  for (const one of list(item.parameters)) nested(writer, 9, (value) => parameterItem(value, object(one)));
}

function operation(writer: WireWriter, value: Json): void {
  for (const tag of list(value.tags)) text(writer, 1, tag);
  text(writer, 3, value.description);
  text(writer, 5, value.operationId);
  for (const type of list(value.produces)) text(writer, 6, type);
  for (const type of list(value.consumes)) text(writer, 7, type);
  for (const one of list(value.parameters)) nested(writer, 8, (item) => parameterItem(item, object(one)));
  nested(writer, 9, (responses) => {
    for (const [code, response] of Object.entries(object(value.responses)))
      named(responses, 1, code, (item) => nested(item, 1, (one) => responseObject(one, object(response))));
  });
  extensions(writer, 13, value);
}

function responseObject(writer: WireWriter, value: Json): void {
  text(writer, 1, value.description);
  if (value.schema !== undefined)
    nested(writer, 2, (item) => nested(item, 1, (one) => schema(one, object(value.schema))));
}

/** ParametersItem.parameter, then body_parameter or non_body_parameter's query or path. */
function parameterItem(writer: WireWriter, value: Json): void {
  nested(writer, 1, (parameter) => {
    if (value.in === "body") nested(parameter, 1, (body) => bodyParameter(body, value));
    else
      nested(parameter, 2, (other) =>
        nested(other, value.in === "query" ? 3 : 4, (one) => plainParameter(one, value)),
      );
  });
}

function bodyParameter(writer: WireWriter, value: Json): void {
  text(writer, 2, value.name);
  text(writer, 3, value.in);
  flag(writer, 4, value.required);
  nested(writer, 5, (one) => schema(one, object(value.schema)));
}

function plainParameter(writer: WireWriter, value: Json): void {
  const isQuery = value.in === "query";
  flag(writer, 1, value.required);
  text(writer, 2, value.in);
  text(writer, 3, value.description);
  text(writer, 4, value.name);
  text(writer, isQuery ? 6 : 5, value.type);
  flag(writer, isQuery ? 20 : 19, value.uniqueItems);
}

function schema(writer: WireWriter, value: Json): void {
  text(writer, 1, value.$ref);
  text(writer, 2, value.format);
  text(writer, 4, value.description);
  for (const name of list(value.required)) text(writer, 19, name);
  if (value.additionalProperties !== undefined)
    nested(writer, 21, (item) => nested(item, 1, (one) => schema(one, object(value.additionalProperties))));
  if (value.type !== undefined) nested(writer, 22, (item) => text(item, 1, value.type));
  if (value.items !== undefined)
    nested(writer, 23, (item) => nested(item, 1, (one) => schema(one, object(value.items))));
  if (value.properties !== undefined) {
    nested(writer, 25, (properties) => {
      for (const [name, property] of Object.entries(object(value.properties)))
        named(properties, 1, name, (one) => schema(one, object(property)));
    });
  }
  extensions(writer, 31, value);
}

/** `x-…` fields; their values are YAML, of which JSON is a part. */
function extensions(writer: WireWriter, number: number, value: Json): void {
  for (const [name, extension] of Object.entries(value)) {
    if (name.startsWith("x-"))
      named(writer, number, name, (any) => text(any, 2, `${JSON.stringify(extension)}\n`));
  }
}

function named(writer: WireWriter, number: number, name: string, fill: Write): void {
  nested(writer, number, (pair) => {
    text(pair, 1, name);
    nested(pair, 2, fill);
  });
}

function nested(writer: WireWriter, number: number, fill: Write): void {
  writer.varint(number * 8 + 2).nested(() => fill(writer));
}

function text(writer: WireWriter, number: number, value: unknown): void {
  if (typeof value === "string" && value !== "") writer.varint(number * 8 + 2).string(value);
}

function flag(writer: WireWriter, number: number, value: unknown): void {
  if (value === true) writer.varint(number * 8).varint(1);
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function object(value: unknown): Json {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
