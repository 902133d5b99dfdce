import { type SchemaField, type SchemaType, typeOf } from "./load.ts";

/** The types of apiextensions whose value is a JSON schema or something else: one of the two in JSON, a message of two
 *  fields in protobuf. */

type Json = Record<string, unknown>;

export interface SchemaForm {
  /** What Kubernetes calls the type. */
  readonly goName: string;
  /** The message in protobuf. */
  readonly message: SchemaType;
  /** Is this a value of the form, as far as its outside goes? */
  accepts(value: unknown): boolean;
  /** What Kubernetes says of a value that is not; absent where its decoder has no words for it. */
  readonly complaint?: string;
  /** The message's fields -> the value in JSON; undefined if neither is set. */
  toJson(parts: Json): unknown;
  toParts(value: unknown): Json;
}

const schemaMessage = "V1JSONSchemaProps";
const schemaAt = (n: string): SchemaField => ({ t: schemaMessage, n });
const formMessage = (k: string, fields: Readonly<Record<string, SchemaField>>): SchemaType => ({
  p: "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1",
  k,
  fields,
});

const forms: ReadonlyMap<string, SchemaForm> = new Map<string, SchemaForm>([
  [
    "schemaOrList",
    {
      goName: "JSONSchemaPropsOrArray",
      message: formMessage("JSONSchemaPropsOrArray", {
        schema: schemaAt("1"),
        list: { t: schemaMessage, c: "list", n: "2" },
      }),
      accepts: (value) => isObject(value) || Array.isArray(value),
      toJson: ({ schema, list }) => list ?? schema,
      toParts: (value) => (Array.isArray(value) ? { list: value } : { schema: value }),
    },
  ],
  [
    "schemaOrBool",
    {
      goName: "JSONSchemaPropsOrBool",
      message: formMessage("JSONSchemaPropsOrBool", {
        allows: { t: "boolean", n: "1" },
        schema: schemaAt("2"),
      }),
      accepts: (value) => isObject(value) || typeof value === "boolean",
      complaint: "boolean or JSON schema expected",
      toJson: ({ schema, allows }) => schema ?? allows === true,
      toParts: (value) => (typeof value === "boolean" ? { allows: value } : { allows: true, schema: value }),
    },
  ],
  [
    "schemaOrStrings",
    {
      goName: "JSONSchemaPropsOrStringArray",
      message: formMessage("JSONSchemaPropsOrStringArray", {
        schema: schemaAt("1"),
        strings: { t: "string", c: "list", n: "2" },
      }),
      accepts: (value) =>
        isObject(value) || (Array.isArray(value) && value.every((one) => typeof one === "string")),
      toJson: ({ schema, strings }) => strings ?? schema,
      toParts: (value) => (Array.isArray(value) ? { strings: value } : { schema: value }),
    },
  ],
]);

export function schemaFormOf(field: SchemaField): SchemaForm | undefined {
  return forms.get(field.t);
}

/** The schemas in a value of a form. */
export function schemasWithin(value: unknown): readonly Json[] {
  return (Array.isArray(value) ? value : [value]).filter(isObject);
}

/** The message of the values that a field holds: its own, or that of the schemas in a form; undefined for scalars. */
export function innerTypeOf(field: SchemaField): SchemaType | undefined {
  return typeOf(forms.has(field.t) ? schemaMessage : field.t);
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
