import { cloneJson } from "../../../base/clone-json.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid } from "../resources/field-errors.ts";
import { sameValue } from "../schema/same-value.ts";
import { type DefaultRules, defaultProblems } from "./default-validation.ts";
import { invalidShown, shownSchema } from "./go-shown.ts";
import type { JsonSchema } from "./json-schema.ts";
import { isWhole, keyedListProblems } from "./list-type-validation.ts";
import { pruneToSchema } from "./prune.ts";
import { ruleCompileProblems } from "./rule-compile-problems.ts";
import { TotalCost } from "./rule-costs.ts";
import type { RuleTimes } from "./rule-times.ts";
import { newBudget, type RuleOptions, validateRules } from "./rules.ts";
import { schemaProblems } from "./schema-validation.ts";
import { hasSchema, isStructural, structuralProblems, unsupportedField } from "./structural.ts";

export interface VersionPlace {
  readonly hasStatus: boolean;
  /** Of all stored versions. */
  readonly oldSchemas: readonly JsonSchema[];
  /** Of the stored version of this name. */
  readonly stored: JsonSchema | undefined;
  readonly ruleTimes: RuleTimes | undefined;
}

/** What of a version's schema breaks Kubernetes' rules. What the stored schemas break too is not held against the new one.
 *  Pure. */
export function versionSchemaProblems(
  schema: JsonSchema,
  path: string,
  { hasStatus, oldSchemas, stored, ruleTimes: times }: VersionPlace,
): readonly FieldError[] {
  const at = `${path}.openAPIV3Schema`;
  const problems: FieldError[] = hasStatus ? [...rootProblems(schema, at)] : [];
  if (schema.nullable) problems.push(forbidden(`${at}.nullable`, "nullable cannot be true at the root"));
  const unsupported = unsupportedField(schema);
  const beforeStructure = problems.length;
  const structural = unsupported === undefined ? structuralProblems(schema, at) : [];
  problems.push(...structural);
  if (unsupported === undefined && structural.length === 0)
    problems.push(
      ...defaultProblems(schema, at, {
        mustBePruned: !oldSchemas.some(hasUnprunedDefaults),
        rules: defaultAgainstRules({ budget: newBudget(), times }),
      }),
    );
  const mayCompile = unsupported === undefined && problems.length === beforeStructure;
  const none = (found: (one: JsonSchema) => boolean) => !oldSchemas.some((old) => hasSchema(old, found));
  const own = schemaProblems(schema, at, {
    knownTypesOnly: none(({ type = "" }) => type !== "" && !types.includes(type)),
    atomicSets: none((one) => one["x-kubernetes-list-type"] === "set" && !isWhole(one.items)),
    keyedLists: none((one) => keyedListProblems(one, "").length > 0),
  });
  problems.push(...own.problems);
  if (mayCompile) {
    const total = new TotalCost();
    const eachBounded = stored === undefined || !sameValue(schema, stored);
    problems.push(...own.ruled.flatMap((ruled) => ruleCompileProblems(ruled, { total, eachBounded, times })));
    problems.push(...total.problems(at));
  }
  if (problems.length === 0 && unsupported !== undefined) problems.push(invalid(at, "", unsupported));
  return problems;
}

/** A default must hold both where it stays as it is and where it comes anew. */
function defaultAgainstRules(shared: Required<Pick<RuleOptions, "budget" | "times">>): DefaultRules["rules"] {
  const { budget } = shared;
  return (schema, value, path, isRoot) => {
    if (budget.left < 0) return [];
    const kept = validateRules(schema, value, value, { path, isRoot, ...shared, ratchets: false });
    if (kept.length > 0 || budget.left < 0) return kept;
    return validateRules(schema, value, undefined, { path, isRoot, ...shared });
  };
}

const types: readonly string[] = ["array", "boolean", "integer", "number", "object", "string"];

function hasUnprunedDefaults(schema: JsonSchema): boolean {
  if (!isStructural(schema)) return false;
  return hasSchema(schema, (one) => {
    const value = one.default ?? undefined;
    if (value === undefined) return false;
    const pruned = cloneJson(value);
    pruneToSchema(pruned, one);
    return !sameValue(pruned, value);
  });
}

/** In the order of Kubernetes' own structure. */
const rootFields: readonly (readonly [key: string, name: string])[] = [
  ["description", "Description"],
  ["type", "Type"],
  ["format", "Format"],
  ["title", "Title"],
  ["maximum", "Maximum"],
  ["exclusiveMaximum", "ExclusiveMaximum"],
  ["minimum", "Minimum"],
  ["exclusiveMinimum", "ExclusiveMinimum"],
  ["maxLength", "MaxLength"],
  ["minLength", "MinLength"],
  ["pattern", "Pattern"],
  ["maxItems", "MaxItems"],
  ["minItems", "MinItems"],
  ["uniqueItems", "UniqueItems"],
  ["multipleOf", "MultipleOf"],
  ["required", "Required"],
  ["items", "Items"],
  ["properties", "Properties"],
  ["externalDocs", "ExternalDocs"],
  ["example", "Example"],
  ["x-kubernetes-preserve-unknown-fields", "XPreserveUnknownFields"],
  ["x-kubernetes-validations", "XValidations"],
];

/** With a status of its own a schema is also cut in two: nothing may stand at its root that would be lost. */
function rootProblems(schema: JsonSchema, at: string): readonly FieldError[] {
  const told = (value: unknown) => value !== undefined && value !== null && value !== false && value !== "";
  const problems: FieldError[] = [];
  const { type = "" } = schema;
  if (type !== "" && type !== "object") {
    const text = `only "object" is allowed as the type at the root of the schema if the status subresource is enabled`;
    return [invalid(`${at}.type`, type, text)];
  }
  const foreign = Object.entries(schema).some(
    ([key, value]) => told(value) && !rootFields.some(([known]) => known === key),
  );
  if (foreign) {
    const names = `[${rootFields.map(([, name]) => name).join(" ")}]`;
    const text = `only ${names} fields are allowed at the root of the schema if the status subresource is enabled`;
    problems.push(invalidShown(at, shownSchema(schema), text));
  }
  return problems;
}
