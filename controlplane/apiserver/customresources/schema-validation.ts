import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, notSupported, required } from "../resources/field-errors.ts";
import { findPath } from "./field-paths.ts";
import type { JsonSchema, ValidationRule } from "./json-schema.ts";
import { keyedListProblems, listTypeProblems, mapTypeProblems } from "./list-type-validation.ts";
import { childrenMax } from "./rule-costs.ts";
import { unsupportedField } from "./structural.ts";

/** What a definition's schema may say at all, level by level (apiextensions-apiserver's pkg/apis/apiextensions/validation).
 *  Pure. */

export interface SchemaRules {
  readonly knownTypesOnly: boolean;
  readonly atomicSets: boolean;
  readonly keyedLists: boolean;
}

/** Where a schema stands. */
interface Place {
  readonly isRoot: boolean;
  readonly inMeta: boolean;
  /** Why no default may stand here. */
  readonly noDefaults?: string;
  /** The nearest schema above whose parts cannot be told from one revision to the next. */
  readonly uncorrelated?: string;
  /** Types can be told for expressions here. */
  readonly typed: boolean;
  /** How many values of it an object can have; undefined: no bound is said. */
  readonly cardinality: number | undefined;
}

/** A schema whose rules are to be compiled. */
export interface RuledSchema {
  readonly schema: JsonSchema;
  readonly path: string;
  readonly isRoot: boolean;
  readonly uncorrelated: string | undefined;
  /** How many values of the schema an object can have; undefined: no bound is said. */
  readonly cardinality: number | undefined;
}

export interface SchemaVerdict {
  readonly problems: readonly FieldError[];
  /** Those that have rules and nothing wrong inside. */
  readonly ruled: readonly RuledSchema[];
}

export function schemaProblems(schema: JsonSchema, path: string, rules: SchemaRules): SchemaVerdict {
  return check(schema, path, rules, { isRoot: true, inMeta: false, typed: true, cardinality: 1 });
}

const metaFields: readonly string[] = ["metadata", "kind", "apiVersion"];

function check(schema: JsonSchema, path: string, rules: SchemaRules, place: Place): SchemaVerdict {
  const problems: FieldError[] = [...standardProblems(schema, path, rules, place)];
  const ruled: RuledSchema[] = [];
  const children = childrenMax(schema);
  const cardinality =
    place.cardinality === undefined || children === undefined ? undefined : place.cardinality * children;
  const enter = (child: JsonSchema, key: string, changed: Partial<Place>) => {
    const inside = check(child, `${path}.${key}`, rules, {
      ...place,
      isRoot: false,
      cardinality,
      ...changed,
    });
    problems.push(...inside.problems);
    ruled.push(...inside.ruled);
  };
  const { properties = {}, additionalProperties, items } = schema;
  const uncorrelated = { uncorrelated: place.uncorrelated ?? path };
  if (additionalProperties !== undefined) {
    if (Object.keys(properties).length > 0 && additionalProperties !== true)
      problems.push(
        forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"),
      );
    const inside = "inside additionalProperties applying to object metadata";
    if (typeof additionalProperties === "object")
      enter(additionalProperties, "additionalProperties", place.inMeta ? { noDefaults: inside } : {});
  }
  for (const [name, property] of Object.entries(properties)) {
    const isMeta =
      (place.isRoot || schema["x-kubernetes-embedded-resource"] === true) && metaFields.includes(name);
    const mapType = schema["x-kubernetes-map-type"] ?? "granular";
    enter(property, `properties[${name}]`, {
      ...(mapType !== "granular" && mapType !== "atomic" && uncorrelated),
      ...(isMeta && { inMeta: true }),
      ...(isMeta && place.isRoot && { noDefaults: `in top-level ${name}` }),
    });
  }
  if (schema.not !== undefined) enter(schema.not, "not", { typed: false });
  for (const junctor of ["allOf", "oneOf", "anyOf"] as const)
    for (const [index, one] of (schema[junctor] ?? []).entries())
      enter(one, `${junctor}[${index}]`, { typed: false });
  if (items !== undefined) {
    const keyed = schema["x-kubernetes-list-type"] === "map" ? {} : uncorrelated;
    if (Array.isArray(items))
      for (const [index, one] of (items as readonly JsonSchema[]).entries())
        enter(one, `items[${index}]`, keyed);
    else enter(items, "items", keyed);
  }
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    problems.push(
      invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, "must be true or undefined"),
    );
  problems.push(...mapTypeProblems(schema, path), ...listTypeProblems(schema, path, rules.atomicSets));
  if (rules.keyedLists) problems.push(...keyedListProblems(schema, path));
  const own = schema["x-kubernetes-validations"] ?? [];
  for (const [index, rule] of own.entries())
    problems.push(...ruleProblems(rule, schema, `${path}.x-kubernetes-validations[${index}]`));
  if (own.length > 0 && problems.length === 0 && place.typed)
    ruled.push({
      schema,
      path,
      isRoot: place.isRoot,
      uncorrelated: place.uncorrelated,
      cardinality: place.cardinality,
    });
  return { problems, ruled };
}

const types: readonly string[] = ["array", "boolean", "integer", "number", "object", "string"];

function standardProblems(
  schema: JsonSchema,
  path: string,
  rules: SchemaRules,
  place: Place,
): readonly FieldError[] {
  const { type = "" } = schema;
  const sent = schema as Readonly<Record<string, unknown>>;
  const problems: FieldError[] = [];
  if (rules.knownTypesOnly && type !== "" && !types.includes(type))
    problems.push(notSupported(`${path}.type`, type, types));
  if (schema.default !== undefined && schema.default !== null && place.noDefaults !== undefined)
    problems.push(forbidden(`${path}.default`, `must not be set ${place.noDefaults}`));
  const none = (key: string) => problems.push(forbidden(`${path}.${key}`, `${key} is not supported`));
  const filled = (key: string) => Object.keys((sent[key] ?? {}) as object).length > 0;
  if (sent.id) none("id");
  if (sent.additionalItems !== undefined) none("additionalItems");
  if (filled("patternProperties")) none("patternProperties");
  if (filled("definitions")) none("definitions");
  if (sent.dependencies !== undefined) none("dependencies");
  if (sent.$ref !== undefined) none("$ref");
  if (type === "null")
    problems.push(forbidden(`${path}.type`, "type cannot be set to null, use nullable as an alternative"));
  if (Array.isArray(schema.items) && schema.items.length > 0)
    problems.push(forbidden(`${path}.items`, "items must be a schema object and not an array"));
  if (place.inMeta && schema["x-kubernetes-embedded-resource"] === true)
    problems.push(
      forbidden(`${path}.x-kubernetes-embedded-resource`, "must not be used inside of resource meta"),
    );
  if (sent.uniqueItems === true)
    problems.push(
      forbidden(
        `${path}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  return problems;
}

const reasons: readonly string[] = [
  "FieldValueDuplicate",
  "FieldValueForbidden",
  "FieldValueInvalid",
  "FieldValueRequired",
];

function ruleProblems(rule: ValidationRule, schema: JsonSchema, path: string): readonly FieldError[] {
  const { rule: expression = "", message = "", messageExpression = "", reason, fieldPath = "" } = rule;
  const text = message.trim();
  const problems: FieldError[] = [];
  if (expression.trim() === "") problems.push(required(`${path}.rule`, "rule is not specified"));
  else if (message !== "" && text === "")
    problems.push(invalid(`${path}.message`, message, "must be non-empty if specified"));
  else if (hasNewlines(text))
    problems.push(invalid(`${path}.message`, message, "must not contain line breaks"));
  else if (hasNewlines(expression.trim()) && text === "")
    problems.push(required(`${path}.message`, "message must be specified if rule contains line breaks"));
  if (messageExpression !== "" && messageExpression.trim() === "")
    problems.push(required(`${path}.messageExpression`, "messageExpression must be non-empty if specified"));
  if (reason !== undefined && !reasons.includes(reason))
    problems.push(notSupported(`${path}.reason`, reason, reasons));
  if (fieldPath === "") return problems;
  const at = `${path}.fieldPath`;
  if (fieldPath.trim() === "") problems.push(invalid(at, fieldPath, "must be non-empty if specified"));
  if (hasNewlines(fieldPath)) problems.push(invalid(at, fieldPath, "must not contain line breaks"));
  if (unsupportedField(schema) === undefined && "problem" in findPath(fieldPath, schema))
    problems.push(invalid(at, fieldPath, "must be a valid path"));
  return problems;
}

const hasNewlines = (text: string) => /[\n\r]/.test(text);
