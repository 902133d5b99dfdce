import { qualifiedName } from "../../../client/rules/names.ts";
import type { CelType } from "../../cel/types.ts";
import { compileCondition } from "../admission/matching/match-conditions.ts";
import type { FieldError } from "../registry/kind.ts";
import { duplicate, invalid, required, tooMany } from "./field-errors.ts";

const conditionsMax = 64;

interface Condition {
  readonly name?: string;
  readonly expression?: string;
}

/** Conditions in CEL under which a webhook or policy is asked: what Kubernetes does not take of them. Pure. */
export function validateMatchConditions(
  conditions: readonly Condition[],
  path: string,
  more: Readonly<Record<string, CelType>> = {},
): readonly FieldError[] {
  const seen = new Set<string>();
  return [
    ...(conditions.length > conditionsMax ? [tooMany(path, conditions.length, conditionsMax)] : []),
    ...conditions.flatMap(({ name = "", expression = "" }, index) => {
      const at = `${path}[${index}]`;
      const isSecond = name !== "" && seen.has(name);
      seen.add(name);
      return [
        ...expressionProblems(expression.trim(), `${at}.expression`, more),
        ...(name === ""
          ? [required(`${at}.name`)]
          : qualifiedName(name).map((text) => invalid(`${at}.name`, name, text))),
        ...(isSecond ? [duplicate(`${at}.name`, name)] : []),
      ];
    }),
  ];
}

function expressionProblems(
  expression: string,
  at: string,
  more: Readonly<Record<string, CelType>>,
): readonly FieldError[] {
  if (expression === "") return [required(at)];
  const { compiled } = compileCondition({ name: "", expression }, more);
  return "problem" in compiled ? [invalid(at, expression, compiled.problem)] : [];
}
