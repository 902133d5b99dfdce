import { exactJsonText } from "../../../base/exact-json.ts";
import type { FieldError } from "../registry/kind.ts";
import type { PrinterColumn } from "./definition.ts";
import type { JsonSchema, ValidationRule } from "./json-schema.ts";

/** Values as Kubernetes' answers show its own internal structures: every field, under its Go name. Pure. */

/** As `invalid` of field-errors.ts, for a value that is shown in another form than it was sent in. */
export function invalidShown(field: string, value: unknown, detail: string): FieldError {
  return { reason: "FieldValueInvalid", field, message: `Invalid value: ${goJson(value)}: ${detail}` };
}

/** As Go's json.Marshal writes: fit to stand in a web page. */
function goJson(value: unknown): string {
  return exactJsonText(value ?? null).replaceAll(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

export function shownRule(rule: ValidationRule): unknown {
  return {
    Rule: rule.rule ?? "",
    Message: rule.message ?? "",
    MessageExpression: rule.messageExpression ?? "",
    Reason: rule.reason ?? null,
    FieldPath: rule.fieldPath ?? "",
    OptionalOldSelf: rule.optionalOldSelf ?? null,
  };
}

/** A version as it was sent, which may lack anything, without what all versions have alike. */
export interface ShownVersion {
  readonly name?: string;
  readonly served?: boolean;
  readonly storage?: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: {
      readonly specReplicasPath?: string;
      readonly statusReplicasPath?: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { readonly jsonPath?: string }[];
}

export function shownVersion(version: ShownVersion): unknown {
  const { schema, subresources } = version;
  return {
    Name: version.name ?? "",
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: schema === undefined ? null : { OpenAPIV3Schema: shownSchema(schema.openAPIV3Schema) },
    Subresources:
      subresources === undefined
        ? null
        : {
            Status: subresources.status === undefined ? null : {},
            Scale:
              subresources.scale === undefined
                ? null
                : {
                    SpecReplicasPath: subresources.scale.specReplicasPath ?? "",
                    StatusReplicasPath: subresources.scale.statusReplicasPath ?? "",
                    LabelSelectorPath: subresources.scale.labelSelectorPath ?? null,
                  },
          },
    AdditionalPrinterColumns:
      version.additionalPrinterColumns?.map((column) => ({
        Name: column.name ?? "",
        Type: column.type ?? "",
        Format: column.format ?? "",
        Description: column.description ?? "",
        Priority: column.priority ?? 0,
        JSONPath: column.jsonPath ?? "",
      })) ?? null,
    SelectableFields: version.selectableFields?.map(({ jsonPath = "" }) => ({ JSONPath: jsonPath })) ?? null,
  };
}

export function shownSchema(schema: JsonSchema | undefined): unknown {
  if (schema === undefined) return null;
  const sent = schema as Readonly<Record<string, unknown>>;
  const { additionalProperties, items } = schema;
  const byName = (of: unknown) =>
    of === undefined
      ? null
      : Object.fromEntries(
          Object.entries(of as Readonly<Record<string, JsonSchema>>)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, one]) => [name, shownSchema(one)]),
        );
  const orBool = (of: unknown) => {
    if (of === undefined) return null;
    return typeof of === "boolean"
      ? { Allows: of, Schema: null }
      : { Allows: true, Schema: shownSchema(of as JsonSchema) };
  };
  return {
    ID: sent.id ?? "",
    Schema: sent.$schema ?? "",
    Ref: sent.$ref ?? null,
    Description: schema.description ?? "",
    Type: schema.type ?? "",
    Nullable: schema.nullable ?? false,
    Format: schema.format ?? "",
    Title: schema.title ?? "",
    Default: schema.default ?? null,
    Maximum: schema.maximum ?? null,
    ExclusiveMaximum: schema.exclusiveMaximum ?? false,
    Minimum: schema.minimum ?? null,
    ExclusiveMinimum: schema.exclusiveMinimum ?? false,
    MaxLength: schema.maxLength ?? null,
    MinLength: schema.minLength ?? null,
    Pattern: schema.pattern ?? "",
    MaxItems: schema.maxItems ?? null,
    MinItems: schema.minItems ?? null,
    UniqueItems: sent.uniqueItems ?? false,
    MultipleOf: schema.multipleOf ?? null,
    Enum: schema.enum ?? null,
    MaxProperties: schema.maxProperties ?? null,
    MinProperties: schema.minProperties ?? null,
    Required: schema.required ?? null,
    Items: items === undefined ? null : shownItems(items),
    AllOf: schema.allOf?.map(shownSchema) ?? null,
    OneOf: schema.oneOf?.map(shownSchema) ?? null,
    AnyOf: schema.anyOf?.map(shownSchema) ?? null,
    Not: shownSchema(schema.not),
    Properties: byName(schema.properties),
    AdditionalProperties: orBool(additionalProperties),
    PatternProperties: byName(sent.patternProperties),
    Dependencies: null,
    AdditionalItems: orBool(sent.additionalItems),
    Definitions: byName(sent.definitions),
    ExternalDocs: sent.externalDocs ?? null,
    Example: sent.example ?? null,
    XPreserveUnknownFields: schema["x-kubernetes-preserve-unknown-fields"] ?? null,
    XEmbeddedResource: schema["x-kubernetes-embedded-resource"] ?? false,
    XIntOrString: schema["x-kubernetes-int-or-string"] ?? false,
    XListMapKeys: schema["x-kubernetes-list-map-keys"] ?? null,
    XListType: schema["x-kubernetes-list-type"] ?? null,
    XMapType: schema["x-kubernetes-map-type"] ?? null,
    XValidations: schema["x-kubernetes-validations"]?.map(shownRule) ?? null,
  };
}

function shownItems(items: JsonSchema | readonly JsonSchema[]): unknown {
  return Array.isArray(items)
    ? { Schema: null, JSONSchemas: items.map(shownSchema) }
    : { Schema: shownSchema(items as JsonSchema), JSONSchemas: null };
}
