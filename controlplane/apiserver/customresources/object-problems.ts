import { objectOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { embeddedProblems } from "./embedded-objects.ts";
import { type JsonSchema, propertyOf } from "./json-schema.ts";
import { duplicateItems } from "./list-keys.ts";
import type { RuleTimes } from "./rule-times.ts";
import { hasRules, validateRules } from "./rules.ts";
import { validateValue } from "./validate.ts";

/** All that a schema has against an object, in Kubernetes' order. Pure.
 *  @param old What is stored, in an update: what was wrong in it and has not changed may stay. */
export function objectProblems(
  next: unknown,
  schema: JsonSchema,
  old?: unknown,
  { before = [], part, ruleTimes: times }: ProblemOptions = {},
): readonly FieldError[] {
  const problems = [
    ...before,
    ...(part === undefined
      ? validateValue(next, schema, "", old)
      : partProblems(part, { next, old, schema })),
    ...embeddedProblems(next, schema, ""),
    ...(old === undefined || duplicateItems(old, schema).length === 0 ? duplicateItems(next, schema) : []),
  ];
  if (hasRules(schema)) {
    const blocked = problems.some(({ reason }) => blocking.includes(reason));
    problems.push(...(blocked ? [notChecked] : validateRules(schema, next, old, { times })));
  }
  return problems.map((one) => (one.field === "" ? { ...one, field: "<nil>" } : one));
}

export interface ProblemOptions {
  /** What is wrong beside the schema, told first. */
  readonly before?: readonly FieldError[];
  /** The only part that the schema is asked of, which is told of as if it were the whole; rules see the object. */
  readonly part?: "status" | undefined;
  readonly ruleTimes?: RuleTimes | undefined;
}

function partProblems(
  part: string,
  of: { readonly next: unknown; readonly old: unknown; readonly schema: JsonSchema },
): readonly FieldError[] {
  const schema = propertyOf(of.schema, part);
  const next = objectOf(of.next);
  if (schema === undefined || !Object.hasOwn(next, part)) return [];
  return validateValue(next[part], schema, "", objectOf(of.old)[part]).map((one) => ({
    ...one,
    field: one.field === "" ? part : `${part}.${one.field}`,
  }));
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
