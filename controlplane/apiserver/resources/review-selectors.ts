import { isObject, type JsonObject, listOf, objectOf, stringOf, stringsOf } from "../json.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden, invalid, required } from "./field-errors.ts";
import { validateRequirement } from "./labels.ts";

/** What is wrong with the selectors of a review's resourceAttributes. An operator that nobody knows is no fault: newer clients
 *  may know it, and a question without it is a broader one. */
export function selectorProblems(resourceAttributes: JsonObject): readonly FieldError[] {
  const at = "spec.resourceAttributes";
  const { fieldSelector, labelSelector } = resourceAttributes;
  return [
    ...problemsOf(fieldSelector, `${at}.fieldSelector`, fieldProblems),
    ...problemsOf(labelSelector, `${at}.labelSelector`, (one, field) =>
      validateRequirement(one, field, { unknownOperators: true }),
    ),
  ];
}

export interface AskedRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

export function requirementsOf(selector: JsonObject): readonly AskedRequirement[] {
  return listOf(selector.requirements).map((one) => {
    const { key, operator, values } = objectOf(one);
    return { key: stringOf(key), operator: stringOf(operator), values: stringsOf(values) };
  });
}

function problemsOf(
  selector: unknown,
  field: string,
  ofOne: (one: AskedRequirement, field: string) => readonly FieldError[],
): readonly FieldError[] {
  if (!isObject(selector)) return [];
  const raw = stringOf(selector.rawSelector);
  const requirements = requirementsOf(selector);
  const problems: FieldError[] = [];
  if (raw !== "" && requirements.length > 0)
    problems.push(invalid(`${field}.rawSelector`, raw, "may not specified at the same time as requirements"));
  if (raw === "" && requirements.length === 0)
    problems.push(
      required(
        `${field}.requirements`,
        `when ${field} is specified, requirements or rawSelector is required`,
      ),
    );
  return [
    ...problems,
    ...requirements.flatMap((one, index) => ofOne(one, `${field}.requirements[${index}]`)),
  ];
}

function fieldProblems({ key, operator, values }: AskedRequirement, field: string): readonly FieldError[] {
  const problems: FieldError[] = [];
  if (key === "") problems.push(required(`${field}.key`, "must be specified"));
  if ((operator === "In" || operator === "NotIn") && values.length === 0)
    problems.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
  if ((operator === "Exists" || operator === "DoesNotExist") && values.length > 0)
    problems.push(
      forbidden(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
    );
  return problems;
}
