import { RE2JS } from "re2js";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, required } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";
import type { JsonSchema } from "./json-schema.ts";

/** What a schema must keep to so that its objects can be pruned and defaulted: types are told outside of allOf, anyOf, oneOf
 *  and not, and these speak only of what is told outside (apiextensions-apiserver's pkg/apiserver/schema). Pure. */

type Level = "root" | "item" | "field";

/** Fields of JSON schema that no custom resource may use. Undefined: it uses none of them, nowhere. */
export function unsupportedField(schema: JsonSchema): string | undefined {
  const sent = schema as Readonly<Record<string, unknown>>;
  const told = (name: string) =>
    sent[name] !== undefined && sent[name] !== null && sent[name] !== "" && !isEmpty(sent[name]);
  const named: readonly (readonly [key: string, shown: string])[] = [
    ["id", "id"],
    ["$schema", "schema"],
    ["$ref", "$ref"],
    ["patternProperties", "patternProperties"],
    ["dependencies", "dependencies"],
    ["definitions", "definitions"],
  ];
  for (const [key, shown] of named) if (told(key)) return `OpenAPIV3Schema '${shown}' is not supported`;
  if (sent.additionalItems !== undefined) return "OpenAPIV3Schema 'additionalItems' is not supported";
  if (schema["x-kubernetes-preserve-unknown-fields"] === false)
    return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
  if (Array.isArray(schema.items) && schema.items.length > 0)
    return "OpenAPIV3Schema 'items' must be a schema, but is an array";
  for (const child of childrenOf(schema)) {
    const problem = unsupportedField(child);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const isEmpty = (value: unknown) =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

/** Every schema that stands directly in this one. */
export function childrenOf(schema: JsonSchema): readonly JsonSchema[] {
  const { items, properties, additionalProperties, allOf = [], anyOf = [], oneOf = [], not } = schema;
  const listed: readonly JsonSchema[] = Array.isArray(items) ? items : items === undefined ? [] : [items];
  return [
    ...listed,
    ...Object.values(properties ?? {}),
    ...(typeof additionalProperties === "object" ? [additionalProperties] : []),
    ...allOf,
    ...anyOf,
    ...oneOf,
    ...(not === undefined ? [] : [not]),
  ];
}

/** Whether the schema, or any inside it, is one of those asked for. */
export function hasSchema(schema: JsonSchema, asked: (one: JsonSchema) => boolean): boolean {
  return asked(schema) || childrenOf(schema).some((child) => hasSchema(child, asked));
}

/** Sorted by their texts, as Kubernetes sorts them. */
export function structuralProblems(schema: JsonSchema, path: string): readonly FieldError[] {
  const text = ({ field, message }: FieldError) => `${field}: ${message}`;
  return [...invariants(schema, "root", path), ...completeness(schema, schema, path, path)].sort((a, b) =>
    text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0,
  );
}

/** Kubernetes keeps definitions that were stored before it asked for structure; a schema is judged as a whole. */
export function isStructural(schema: JsonSchema): boolean {
  return unsupportedField(schema) === undefined && structuralProblems(schema, "").length === 0;
}

const emptyType: Readonly<Record<Level, string>> = {
  root: "must not be empty at the root",
  item: "must not be empty for specified array items",
  field: "must not be empty for specified object fields",
};

function invariants(schema: JsonSchema, level: Level, path: string): readonly FieldError[] {
  const { type = "", items, properties = {}, additionalProperties } = schema;
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const preserves = schema["x-kubernetes-preserve-unknown-fields"] === true;
  const intOrString = schema["x-kubernetes-int-or-string"] === true;
  const problems: FieldError[] = [];
  if (items !== undefined) problems.push(...invariants(items, "item", `${path}.items`));
  else if (type === "array") problems.push(required(`${path}.items`, "must be specified"));
  for (const [name, one] of Object.entries(properties))
    problems.push(...invariants(one, "field", `${path}.properties[${name}]`));
  if (additionalProperties !== undefined) {
    const at = `${path}.additionalProperties`;
    if (level === "root") problems.push(forbidden(at, "must not be used at the root"));
    if (typeof additionalProperties === "object")
      problems.push(...invariants(additionalProperties, "field", at));
    if (embedded) problems.push(forbidden(at, "must not be used if x-kubernetes-embedded-resource is set"));
  }
  const notWithIntOrString = "must be false if x-kubernetes-int-or-string is true";
  if (intOrString && preserves)
    problems.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, true, notWithIntOrString));
  if (intOrString && embedded)
    problems.push(invalid(`${path}.x-kubernetes-embedded-resource`, true, notWithIntOrString));
  problems.push(...valueRules(schema, path, intOrStringForm(schema)));
  if (embedded && type !== "object") {
    const text = "must be object if x-kubernetes-embedded-resource is true";
    problems.push(type === "" ? required(`${path}.type`, text) : invalid(`${path}.type`, type, text));
  } else if (type === "" && !intOrString && !preserves) {
    problems.push(required(`${path}.type`, emptyType[level]));
  }
  if (level === "root" && type !== "" && type !== "object")
    problems.push(invalid(`${path}.type`, type, "must be object at the root"));
  problems.push(...metaInvariants(properties, level, embedded, path));
  if (embedded && !preserves && Object.keys(properties).length === 0)
    problems.push(
      required(
        `${path}.properties`,
        "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
      ),
    );
  return problems;
}

function metaInvariants(
  properties: Readonly<Record<string, JsonSchema>>,
  level: Level,
  embedded: boolean,
  path: string,
): readonly FieldError[] {
  const isObject = level === "root" || embedded;
  const problems: FieldError[] = [];
  for (const name of isObject ? ["kind", "apiVersion"] : []) {
    const type = properties[name]?.type ?? "";
    if (Object.hasOwn(properties, name) && type !== "string")
      problems.push(invalid(`${path}.properties[${name}].type`, type, "must be string"));
  }
  const metadata = Object.hasOwn(properties, "metadata") ? properties.metadata : undefined;
  if (metadata === undefined) return problems;
  const at = `${path}.properties[metadata]`;
  if (isObject && metadata.type !== "object")
    problems.push(invalid(`${at}.type`, metadata.type ?? "", "must be object"));
  if (level === "root" && !onlyNamesRestricted(metadata))
    problems.push(
      forbidden(
        at,
        "must not specify anything other than name and generateName, but metadata is implicitly specified",
      ),
    );
  return problems;
}

function onlyNamesRestricted(metadata: JsonSchema): boolean {
  return Object.entries(metadata).every(([key, value]) => {
    if (key === "type" || key === "default" || isNothing(value)) return true;
    const names = key === "properties" ? Object.keys(value as object) : ["properties only"];
    return names.every((name) => name === "name" || name === "generateName");
  });
}

const isNothing = (value: unknown) =>
  value === undefined || value === null || value === "" || value === false;

/** Types named in a junctor are structural in two forms of saying "integer or string". */
interface Exempt {
  readonly anyOf?: boolean;
  readonly firstOfAllOf?: boolean;
}

function intOrStringForm({ anyOf, allOf }: JsonSchema): Exempt {
  const pattern = [{ type: "integer" }, { type: "string" }];
  return { anyOf: sameValue(anyOf, pattern), firstOfAllOf: sameValue(allOf?.[0]?.anyOf, pattern) };
}

function valueRules(schema: JsonSchema, path: string, exempt: Exempt = {}): readonly FieldError[] {
  const { allOf = [], anyOf = [], oneOf = [], not, pattern = "" } = schema;
  const problems = [
    ...(exempt.anyOf ? [] : anyOf.flatMap((one, index) => nestedRules(one, `${path}.anyOf[${index}]`))),
    ...allOf.flatMap((one, index) =>
      nestedRules(one, `${path}.allOf[${index}]`, { anyOf: index === 0 && exempt.firstOfAllOf === true }),
    ),
    ...oneOf.flatMap((one, index) => nestedRules(one, `${path}.oneOf[${index}]`)),
    ...(not === undefined ? [] : nestedRules(not, `${path}.not`)),
  ];
  if (pattern === "") return problems;
  const fault = patternFault(pattern);
  if (fault === undefined) return problems;
  const text = `must be a valid regular expression, but isn't: ${fault}`;
  return [...problems, invalid(`${path}.pattern`, pattern, text)];
}

function patternFault(pattern: string): string | undefined {
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Inside a junctor a schema may restrict values, and say nothing of structure. */
function nestedRules(schema: JsonSchema, path: string, exempt: Exempt = {}): readonly FieldError[] {
  const { items, properties = {}, additionalProperties } = schema;
  const none = (key: string, text: string) => forbidden(`${path}.${key}`, `${text} to be structural`);
  const problems: FieldError[] = [
    ...valueRules(schema, path, exempt),
    ...(items === undefined ? [] : nestedRules(items, `${path}.items`)),
    ...Object.entries(properties).flatMap(([name, one]) => nestedRules(one, `${path}.properties[${name}]`)),
  ];
  if (schema.type) problems.push(none("type", "must be empty"));
  if (additionalProperties !== undefined && additionalProperties !== false)
    problems.push(none("additionalProperties", "must be undefined"));
  if (schema.default !== undefined && schema.default !== null)
    problems.push(none("default", "must be undefined"));
  if (schema.title) problems.push(none("title", "must be empty"));
  if (schema.description) problems.push(none("description", "must be empty"));
  if (schema.nullable) problems.push(none("nullable", "must be false"));
  const mustBeFalse = [
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string",
  ] as const;
  for (const key of mustBeFalse) if (schema[key]) problems.push(none(key, "must be false"));
  if ((schema["x-kubernetes-list-map-keys"]?.length ?? 0) > 0)
    problems.push(none("x-kubernetes-list-map-keys", "must be empty"));
  for (const key of ["x-kubernetes-list-type", "x-kubernetes-map-type"] as const)
    if (schema[key] !== undefined) problems.push(none(key, "must be undefined"));
  if ((schema["x-kubernetes-validations"]?.length ?? 0) > 0)
    problems.push(none("x-kubernetes-validations", "must be empty"));
  if (Object.hasOwn(properties, "metadata"))
    problems.push(forbidden(`${path}.properties[metadata]`, "must not be specified in a nested context"));
  return problems;
}

/** What junctors of `rules` restrict must have its place in `schema`. */
function completeness(
  rules: JsonSchema,
  schema: JsonSchema | undefined,
  schemaPath: string,
  rulesPath: string,
): readonly FieldError[] {
  const { not, allOf = [], anyOf = [], oneOf = [] } = rules;
  const nested = (one: JsonSchema, key: string) =>
    nestedCompleteness(one, schema, schemaPath, `${rulesPath}.${key}`);
  return [
    ...(not === undefined ? [] : nested(not, "not")),
    ...allOf.flatMap((one, index) => nested(one, `allOf[${index}]`)),
    ...anyOf.flatMap((one, index) => nested(one, `anyOf[${index}]`)),
    ...oneOf.flatMap((one, index) => nested(one, `oneOf[${index}]`)),
  ];
}

function nestedCompleteness(
  rules: JsonSchema,
  schema: JsonSchema | undefined,
  schemaPath: string,
  rulesPath: string,
): readonly FieldError[] {
  if (schema === undefined) return [required(schemaPath, `because it is defined in ${rulesPath}`)];
  const problems = [...completeness(rules, schema, schemaPath, rulesPath)];
  if (rules.items !== undefined)
    problems.push(
      ...nestedCompleteness(rules.items, schema.items, `${schemaPath}.items`, `${rulesPath}.items`),
    );
  for (const [name, one] of Object.entries(rules.properties ?? {})) {
    const key = `properties[${name}]`;
    const own = schema.properties;
    problems.push(
      ...nestedCompleteness(
        one,
        own !== undefined && Object.hasOwn(own, name) ? own[name] : undefined,
        `${schemaPath}.${key}`,
        `${rulesPath}.${key}`,
      ),
    );
  }
  return problems;
}
