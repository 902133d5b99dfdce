import type { FieldError } from "../registry/kind.ts";
import { invalid } from "../resources/field-errors.ts";
import { invalidShown, shownRule } from "./go-shown.ts";
import { rulesOf } from "./rules.ts";
import { typeOf } from "./schema-types.ts";
import type { RuledSchema } from "./schema-validation.ts";

/** What keeps a schema's rules from being compiled, or from being run where they stand. Pure. */
export function ruleCompileProblems({
  schema,
  path,
  isRoot,
  uncorrelated,
}: RuledSchema): readonly FieldError[] {
  const at = `${path}.x-kubernetes-validations`;
  if (typeOf(schema, isRoot || undefined) === undefined) return [noTypes(at)];
  return rulesOf(schema, isRoot).flatMap(({ rule, program, message, usesOld }, index) => {
    const own = `${at}[${index}]`;
    const problems: FieldError[] = [];
    if ("problem" in program) problems.push(invalidShown(`${own}.rule`, shownRule(rule), program.problem));
    else if (message !== undefined && "problem" in message)
      problems.push(invalidShown(`${own}.messageExpression`, shownRule(rule), message.problem));
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
