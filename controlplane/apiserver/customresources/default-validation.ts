import { cloneJson } from "../../../base/clone-json.ts";
import { isObject, type JsonObject } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";
import { embeddedProblems, malformedMeta } from "./embedded-objects.ts";
import type { JsonSchema } from "./json-schema.ts";
import { pruneToSchema } from "./prune.ts";
import { validateValue } from "./validate.ts";

/** What of a schema's defaults would be taken from no client: unknown fields, values against the schema itself, metadata that
 *  is none (apiextensions-apiserver's schema/defaulting). Pure. */
export function defaultProblems(
  schema: JsonSchema,
  path: string,
  { mustBePruned, rules }: DefaultRules,
): readonly FieldError[] {
  const root: JsonSchema = { ...schema, "x-kubernetes-embedded-resource": true };
  return check(root, path, { root, surround: asRoot, inMeta: false, mustBePruned, rules });
}

export interface DefaultRules {
  readonly mustBePruned: boolean;
  /** What the schema's own rules say of a value. */
  readonly rules: (
    schema: JsonSchema,
    value: unknown,
    path: string,
    isRoot: boolean,
  ) => readonly FieldError[];
}

interface Place extends DefaultRules {
  /** The schema of the nearest resource around. */
  readonly root: JsonSchema;
  /** The least resource that has the value at the place looked at. */
  readonly surround: (value: unknown) => JsonObject;
  readonly inMeta: boolean;
}

const asRoot = (value: unknown): JsonObject => ({
  kind: "Validation",
  apiVersion: "validation/v1",
  ...(isObject(value) ? value : {}),
});

function check(schema: JsonSchema, path: string, around: Place): readonly FieldError[] {
  const embedded = schema["x-kubernetes-embedded-resource"] === true;
  const place: Place = embedded ? { ...around, root: schema, surround: asRoot, inMeta: false } : around;
  const { default: value, items, properties = {} } = schema;
  const problems: FieldError[] = [];
  if (value !== undefined && value !== null) problems.push(...valueProblems(schema, value, path, place));
  if (items !== undefined) {
    const surround = (one: unknown) => place.surround([one]);
    problems.push(...check(items, `${path}.items`, { ...place, surround }));
  }
  for (const [name, property] of Object.entries(properties)) {
    const inMeta = place.inMeta || (embedded && ["metadata", "apiVersion", "kind"].includes(name));
    const surround = (one: unknown) => place.surround({ [name]: one });
    problems.push(...check(property, `${path}.properties[${name}]`, { ...place, surround, inMeta }));
  }
  return problems;
}

function valueProblems(
  schema: JsonSchema,
  value: unknown,
  path: string,
  place: Place,
): readonly FieldError[] {
  const at = `${path}.default`;
  const problems: FieldError[] = [];
  if (place.inMeta) {
    const object = place.surround(cloneJson(value));
    const root: JsonSchema = { ...place.root, "x-kubernetes-embedded-resource": true };
    const malformed = malformedMeta(object, root, "");
    const faults = malformed === undefined ? embeddedProblems(object, root, "") : [malformed];
    if (faults.length > 0) {
      const texts = [...new Set(faults.map(({ field, message }) => `${field}: ${message}`))];
      const text = texts.length === 1 ? texts[0] : `[${texts.join(", ")}]`;
      return [invalid(at, value, `must result in valid metadata: ${text}`)];
    }
  } else {
    if (place.mustBePruned) {
      const pruned = cloneJson(value);
      pruneToSchema(pruned, schema);
      if (!sameValue(pruned, value)) problems.push(invalid(at, value, "must not have unknown fields"));
    }
    const malformed = malformedMeta(value, schema, at);
    if (malformed !== undefined) return [...problems, malformed];
    const faults = embeddedProblems(value, schema, at);
    if (faults.length > 0) return [...problems, ...faults];
  }
  // The texts know nothing of where the default stands.
  const faults = validateValue(value, schema).map((one) => ({
    ...one,
    field: one.field === "" ? at : `${at}.${one.field}`,
  }));
  if (faults.length > 0) return [...problems, ...faults];
  return [...problems, ...place.rules(schema, value, at, schema === place.root)];
}
