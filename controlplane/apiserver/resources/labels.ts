import type { Labels } from "../../../base/label-selector.ts";
import { labelValue, qualifiedName } from "../../../client/rules/names.ts";
import type { LabelSelector } from "../../../client/types.ts";
import type { FieldError } from "../registry/kind.ts";
import { invalid, required } from "./field-errors.ts";

/** Keys and values of a map of labels. */
export function validateLabels(labels: Labels | undefined, field: string): readonly FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((text) => invalid(field, key, text)),
    ...labelValue(value).map((text) => invalid(field, value, text)),
  ]);
}

/** A LabelSelector of a manifest. */
export function validateLabelSelector(
  selector: LabelSelector | undefined,
  field: string,
): readonly FieldError[] {
  if (selector === undefined) return [];
  const expressions = selector.matchExpressions ?? [];
  return [
    ...validateLabels(selector.matchLabels, `${field}.matchLabels`),
    ...expressions.flatMap((one, index) => validateRequirement(one, `${field}.matchExpressions[${index}]`)),
  ];
}

/** One requirement of a selector. */
export function validateRequirement(
  { key, operator, values = [] }: { key: string; operator: string; values?: readonly string[] },
  field: string,
  allowed: { readonly unknownOperators: boolean } = { unknownOperators: false },
): readonly FieldError[] {
  const problems: FieldError[] = [];
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0)
        problems.push(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0)
        problems.push({
          ...required(`${field}.values`),
          reason: "FieldValueForbidden",
          message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
        });
      break;
    default:
      if (!allowed.unknownOperators)
        problems.push(invalid(`${field}.operator`, operator, "not a valid selector operator"));
  }
  problems.push(...qualifiedName(key ?? "").map((text) => invalid(`${field}.key`, key ?? "", text)));
  values.forEach((value, index) => {
    problems.push(...labelValue(value).map((text) => invalid(`${field}.values[${index}]`, value, text)));
  });
  return problems;
}

/** No requirement at all. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return (
    Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0
  );
}
