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

/** An OpenAPI 3.0 document as gnostic's openapiv3 messages. */
export function encodeV3(document: object): Uint8Array {
  return encode(documentForm, document);
}

/** A number, boolean or string, zero or not; gnostic leaves defaults of other types empty. */
const oneValue: Write = (writer, value) => {
  if (typeof value === "number") writer.varint(9).fixed(8, (view) => view.setFloat64(0, value, true));
  else if (typeof value === "boolean") writer.varint(16).varint(value ? 1 : 0);
  else if (typeof value === "string") writer.varint(26).string(value);
};

const schemaOrReference = reference(
  nested(2, message({ $ref: text(1) })),
  nested(
    1,
    later(() => schema),
  ),
);

const schema: Write = message(
  {
    nullable: flag(1),
    externalDocs: nested(6, externalDocs),
    example: nested(7, yaml),
    title: text(9),
    ...limitsFrom(10),
    type: text(25),
    allOf: each(nested(26, schemaOrReference)),
    oneOf: each(nested(27, schemaOrReference)),
    anyOf: each(nested(28, schemaOrReference)),
    not: nested(
      29,
      later(() => schema),
    ),
    items: nested(30, nested(1, schemaOrReference)),
    properties: nested(31, named(1, schemaOrReference)),
    additionalProperties: nested(32, orFlag(schemaOrReference)),
    default: nested(33, oneValue),
    description: text(34),
    format: text(35),
  },
  36,
);

const content = named(1, message({ schema: nested(1, schemaOrReference) }));

const parameter = nested(
  1,
  message({
    name: text(1),
    in: text(2),
    description: text(3),
    required: flag(4),
    schema: nested(10, schemaOrReference),
  }),
);

const operation = message(
  {
    tags: each(text(1)),
    description: text(3),
    operationId: text(5),
    parameters: each(nested(6, parameter)),
    requestBody: nested(7, nested(1, message({ content: nested(2, content), required: flag(3) }))),
    responses: nested(8, named(2, nested(1, message({ description: text(1), content: nested(3, content) })))),
  },
  13,
);

const pathItem = message({
  get: nested(4, operation),
  put: nested(5, operation),
  post: nested(6, operation),
  delete: nested(7, operation),
  options: nested(8, operation),
  head: nested(9, operation),
  patch: nested(10, operation),
  parameters: each(nested(13, parameter)),
});

const apiKey = message({ type: text(1), description: text(2), name: text(3), in: text(4) });

const documentForm = message({
  openapi: text(1),
  info: nested(2, message({ title: text(1), version: text(6) })),
  paths: nested(4, named(1, pathItem)),
  components: nested(
    5,
    message({
      schemas: nested(1, named(1, schemaOrReference)),
      securitySchemes: nested(7, named(1, nested(1, apiKey))),
    }),
  ),
});
