import { parseInt64 } from "../../../client/rules/int64.ts";
import { labelValue, qualifiedName } from "../../../client/rules/names.ts";
import type { NodeSelectorTerm } from "../../../client/types.ts";
import type { NodeAffinityArgs } from "../plugins/node-affinity.ts";
import { invalid, unsupported } from "./problems.ts";
import type { Shape } from "./shape.ts";

type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

const requirements: Shape = {
  list: { fields: { key: "string", operator: "string", values: { list: "string" } } },
};

export const selectorTermShape: Shape = {
  fields: { matchExpressions: requirements, matchFields: requirements },
};

/** What is wrong with the terms that hold for all pods of a profile. Empty terms choose nothing, and wishes without weight are
 *  none. Pure. */
export function affinityProblems({ addedAffinity }: NodeAffinityArgs, path: string): readonly string[] {
  const at = `${path}.addedAffinity`;
  const hard = addedAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const soft = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return [
    ...hard.flatMap((term, index) =>
      termProblems(term, `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${index}]`),
    ),
    ...soft.flatMap(({ weight = 0, preference = {} }, index) =>
      weight === 0
        ? []
        : termProblems(preference, `${at}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`),
    ),
  ];
}

function termProblems({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, path: string) {
  return [
    ...matchExpressions.flatMap((one, index) => labelProblems(one, `${path}.matchExpressions[${index}]`)),
    ...matchFields.flatMap((one, index) => fieldProblems(one, `${path}.matchFields[${index}]`)),
  ];
}

const labelOperators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

function labelProblems({ key = "", operator, values = [] }: Requirement, path: string): readonly string[] {
  if (!labelOperators.includes(operator))
    return [unsupported(`${path}.operator`, operator ?? "", labelOperators)];
  const at = `${path}.values`;
  return [
    ...formProblems(qualifiedName(key), key, `${path}.key`),
    ...countProblems(operator, values, at),
    ...values.flatMap((value, index) => formProblems(labelValue(value), value, `${at}[${index}][${key}]`)),
  ];
}

const formProblems = (problems: readonly string[], value: string, path: string): readonly string[] =>
  problems.length === 0 ? [] : [invalid(path, value, problems.join("; "))];

function countProblems(operator: string, values: readonly string[], path: string): readonly string[] {
  switch (operator) {
    case "In":
    case "NotIn":
      return values.length > 0
        ? []
        : [invalid(path, values, "for 'in', 'notin' operators, values set can't be empty")];
    case "Gt":
    case "Lt":
      return [
        ...(values.length === 1
          ? []
          : [invalid(path, values, "for 'Gt', 'Lt' operators, exactly one value is required")]),
        ...values.flatMap((value, index) =>
          parseInt64(value) === undefined
            ? [invalid(`${path}[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")]
            : [],
        ),
      ];
    default:
      return values.length === 0
        ? []
        : [invalid(path, values, "values set must be empty for exists and does not exist")];
  }
}

const fieldOperators = ["In", "NotIn"];

function fieldProblems({ operator, values = [] }: Requirement, path: string): readonly string[] {
  if (!fieldOperators.includes(operator))
    return [unsupported(`${path}.operator`, operator ?? "", fieldOperators)];
  return values.length === 1 ? [] : [invalid(`${path}.values`, values, "must have one element")];
}
