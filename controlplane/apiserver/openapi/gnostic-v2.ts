import {
  each,
  encode,
  externalDocs,
  flag,
  later,
  limitsFrom,
  message,
  named,
  nested,
  orFlag,
  reference,
  text,
  type Write,
  yaml,
} from "./gnostic.ts";
import type { SwaggerDocument } from "./openapi-v2.ts";

/** Swagger 2.0 as gnostic's openapiv2 messages. */
export function encodeV2(document: SwaggerDocument): Uint8Array {
  return encode(documentForm, document);
}

const schema: Write = later(() =>
  message(
    {
      $ref: text(1),
      format: text(2),
      title: text(3),
      description: text(4),
      default: nested(5, yaml),
      ...limitsFrom(6),
      additionalProperties: nested(21, orFlag(later(() => schema))),
      type: nested(22, text(1)),
      items: nested(23, nested(1, schema)),
      properties: nested(25, named(1, schema)),
      externalDocs: nested(29, externalDocs),
      example: nested(30, yaml),
    },
    31,
  ),
);

const body = message({
  description: text(1),
  name: text(2),
  in: text(3),
  required: flag(4),
  schema: nested(5, schema),
});
const inQuery = message({
  required: flag(1),
  in: text(2),
  description: text(3),
  name: text(4),
  type: text(6),
  uniqueItems: flag(20),
});
const inPath = message({
  required: flag(1),
  in: text(2),
  description: text(3),
  name: text(4),
  type: text(5),
  uniqueItems: flag(19),
});
const parameter: Write = (writer, value) => {
  const place = (value as { readonly in?: unknown }).in;
  if (place === "body") nested(1, body)(writer, value);
  else nested(2, place === "query" ? nested(3, inQuery) : nested(4, inPath))(writer, value);
};
const parameterItem = reference(nested(2, message({ $ref: text(1) })), nested(1, parameter));

const response = message({ description: text(1), schema: nested(2, nested(1, schema)) });

const operation = message(
  {
    tags: each(text(1)),
    description: text(3),
    operationId: text(5),
    produces: each(text(6)),
    consumes: each(text(7)),
    parameters: each(nested(8, parameterItem)),
    responses: nested(9, named(1, nested(1, response))),
    schemes: each(text(10)),
  },
  13,
);

const pathItem = message({
  get: nested(2, operation),
  put: nested(3, operation),
  post: nested(4, operation),
  delete: nested(5, operation),
  options: nested(6, operation),
  head: nested(7, operation),
  patch: nested(8, operation),
  parameters: each(nested(9, parameterItem)),
});

const apiKey = message({ type: text(1), name: text(2), in: text(3), description: text(4) });

const documentForm = message({
  swagger: text(1),
  info: nested(2, message({ title: text(1), version: text(2) })),
  paths: nested(8, named(2, pathItem)),
  definitions: nested(9, named(1, schema)),
  parameters: nested(10, named(1, parameter)),
  security: each(nested(12, named(1, each(text(1))))),
  securityDefinitions: nested(13, named(1, nested(2, apiKey))),
});
