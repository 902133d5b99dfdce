import { qualifiedName, regexRule } from "../../../client/rules/names.ts";
import type { Condition } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, notSupported, required, tooLong } from "./field-errors.ts";

const reasonPattern = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const wholeReason = new RegExp(`^${reasonPattern}$`);
const reasonText = regexRule(
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'",
  reasonPattern,
  "my_name",
  "MY_NAME",
  "MyName",
  "ReasonA,ReasonB",
  "ReasonA:ReasonB",
);
const reasonMax = 1024;
const messageMax = 32 * 1024;
const statuses = ["False", "True", "Unknown"];

/** Conditions of meta/v1, each type once. */
export function validateConditions(
  conditions: readonly Condition[] | undefined,
  field: string,
): readonly FieldError[] {
  return (conditions ?? []).flatMap((one, index, all) => [
    ...(all.findIndex(({ type }) => type === one.type) < index
      ? [duplicate(`${field}[${index}].type`, one.type)]
      : []),
    ...validateCondition(one, `${field}[${index}]`),
  ]);
}

function validateCondition(condition: Partial<Condition>, field: string): readonly FieldError[] {
  const { type = "", status = "", observedGeneration = 0, lastTransitionTime } = condition;
  const { reason = "", message = "" } = condition;
  const problems: FieldError[] = qualifiedName(type).map((text) => invalid(`${field}.type`, type, text));
  if (!statuses.includes(status)) problems.push(notSupported(`${field}.status`, status, statuses));
  if (observedGeneration < 0) {
    const text = "must be greater than or equal to zero";
    problems.push(invalid(`${field}.observedGeneration`, observedGeneration, text));
  }
  if (!lastTransitionTime) problems.push(required(`${field}.lastTransitionTime`));
  if (reason === "") problems.push(required(`${field}.reason`));
  else {
    if (!wholeReason.test(reason)) problems.push(invalid(`${field}.reason`, reason, reasonText));
    if (reason.length > reasonMax) problems.push(tooLong(`${field}.reason`, reasonMax));
  }
  if (message.length > messageMax) problems.push(tooLong(`${field}.message`, messageMax));
  return problems;
}
