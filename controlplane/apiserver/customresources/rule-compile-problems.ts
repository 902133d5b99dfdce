import type { FieldError } from "../registry/kind.ts";
import { invalid } from "../resources/field-errors.ts";
import { invalidShown, shownRule } from "./go-shown.ts";
import { expressionProblems, ruleCosts, type TotalCost } from "./rule-costs.ts";
import type { RuleTimes } from "./rule-times.ts";
import { rulesOf } from "./rules.ts";
import { typeOf } from "./schema-types.ts";
import type { RuledSchema } from "./schema-validation.ts";

export interface CostRules {
  /** Grows by what the rules cost. */
  readonly total: TotalCost;
  /** Whether each expression has to keep to its limit; not where the stored schema is the same. */
  readonly eachBounded: boolean;
  readonly times: RuleTimes | undefined;
}

/** What keeps a schema's rules from being compiled, or from being run where they stand. */
export function ruleCompileProblems(
  { schema, path, isRoot, uncorrelated, cardinality }: RuledSchema,
  { total, eachBounded, times }: CostRules,
): readonly FieldError[] {
  const at = `${path}.x-kubernetes-validations`;
  if (typeOf(schema, isRoot || undefined) === undefined) return [noTypes(at)];
  const rules = rulesOf(schema, isRoot, times);
  const costs = ruleCosts(rules, schema, { isRoot, cardinality });
  return rules.flatMap(({ rule, program, message, usesOld }, index) => {
    const own = `${at}[${index}]`;
    const problems: FieldError[] = [];
    const cost = (key: string, what: string, amount: number) => {
      if (eachBounded) problems.push(...expressionProblems(`${own}.${key}`, what, amount));
      total.add(`${own}.${key}`, amount);
    };
    const known = costs[index];
    if (known !== undefined) cost("rule", "estimated rule cost", known.rule);
    if ("problem" in program) problems.push(invalidShown(`${own}.rule`, shownRule(rule), program.problem));
    else if (message !== undefined && "problem" in message)
      problems.push(invalidShown(`${own}.messageExpression`, shownRule(rule), message.problem));
    if (known?.message !== undefined)
      cost("messageExpression", "estimated messageExpression cost", known.message);
    if (usesOld) {
      const text = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`;
      if (uncorrelated !== undefined) problems.push(invalid(`${own}.rule`, rule.rule, text));
    } else if (rule.optionalOldSelf !== undefined) {
      const text = "may not be set if oldSelf is not used in rule";
      problems.push(invalid(`${own}.optionalOldSelf`, rule.optionalOldSelf, text));
    }
    return problems;
  });
}

const noTypes = (field: string): FieldError => ({
  reason: "InternalError",
  field,
  message:
    "Internal error: internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations",
});
