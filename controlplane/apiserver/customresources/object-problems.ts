import type { FieldError } from "../registry/kind.ts";
import { embeddedProblems } from "./embedded-objects.ts";
import type { JsonSchema } from "./json-schema.ts";
import { duplicateItems } from "./list-keys.ts";
import { hasRules, validateRules } from "./rules.ts";
import { validateValue } from "./validate.ts";

/** All that a schema has against an object, in Kubernetes' order. Pure.
 *  @param old What is stored, in an update: what was wrong in it and has not changed may stay.
 *  @param before What is wrong beside the schema, told first. */
export function objectProblems(
  next: unknown,
  schema: JsonSchema,
  old?: unknown,
  before: readonly FieldError[] = [],
): readonly FieldError[] {
  const problems = [
    ...before,
    ...validateValue(next, schema, "", old),
    ...embeddedProblems(next, schema, ""),
    ...(old === undefined || duplicateItems(old, schema).length === 0 ? duplicateItems(next, schema) : []),
  ];
  if (hasRules(schema)) {
    const blocked = problems.some(({ reason }) => blocking.includes(reason));
    problems.push(...(blocked ? [notChecked] : validateRules(schema, next, old)));
  }
  return problems.map((one) => (one.field === "" ? { ...one, field: "<nil>" } : one));
}

/** Rules take for granted that values are of their types, and no longer than allowed. */
const blocking: readonly FieldError["reason"][] = [
  "FieldValueNotSupported",
  "FieldValueRequired",
  "FieldValueTooLong",
  "FieldValueTooMany",
  "FieldValueTypeInvalid",
];

const notChecked: FieldError = {
  reason: "FieldValueInvalid",
  field: "<nil>",
  message:
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
};
