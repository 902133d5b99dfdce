import { compile, type Program } from "../../../cel/compile.ts";
import { costLimits, Meter } from "../../../cel/environment.ts";
import { type CelType, types, typeText } from "../../../cel/types.ts";
import { CelError, CostExceeded, type Value } from "../../../cel/values.ts";
import { type Answers, evaluateAsking, requestEnvironment } from "./variables.ts";

/** Conditions in CEL under which a webhook or a policy is asked at all. */
export interface MatchCondition {
  readonly name: string;
  readonly expression: string;
}

export interface CompiledCondition extends MatchCondition {
  readonly compiled: { readonly program: Program } | { readonly problem: string };
}

/** Compiled for requests, and where `params` are given a type also for those. */
export function compileCondition(
  condition: MatchCondition,
  more: Readonly<Record<string, CelType>> = {},
): CompiledCondition {
  const compiled = compile(condition.expression, requestEnvironment(more));
  if ("problem" in compiled || compiled.program.type.kind === "bool") return { ...condition, compiled };
  const problem = `must evaluate to ${typeText(types.bool)} but got ${typeText(compiled.program.type)}`;
  return { ...condition, compiled: { problem } };
}

export type Verdict =
  | { readonly matches: true }
  /** The name of the condition that is not met. */
  | { readonly matches: false; readonly condition?: string }
  | { readonly error: string };

export interface ConditionOptions {
  readonly answers: Answers;
  readonly failurePolicy: string | undefined;
  /** Called for each condition that cannot be evaluated. */
  readonly onError: () => void;
}

/** All conditions must be met. One that is not decides, whatever goes wrong in others; else what goes wrong is an error, or
 *  where failures are ignored no match. */
export async function conditionsMatch(
  conditions: readonly CompiledCondition[],
  variables: ReadonlyMap<string, Value>,
  { answers, failurePolicy, onError }: ConditionOptions,
): Promise<Verdict> {
  const errors: string[] = [];
  let left: number = costLimits.matchConditionsMax;
  const failed = (): Verdict => (failurePolicy === "Ignore" ? { matches: false } : { error: joined(errors) });
  for (const { name, expression, compiled } of conditions) {
    if ("problem" in compiled) {
      errors.push(`compilation error: ${compiled.problem}`);
      onError();
      continue;
    }
    try {
      const meter = () => new Meter(costLimits.expressionMax);
      const { value, cost } = await evaluateAsking(compiled.program, variables, { answers, meter });
      left -= cost;
      if (left < 0) {
        errors.splice(0, errors.length, outOfBudget);
        return failed();
      }
      if (value === false) return { matches: false, condition: name };
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CostExceeded)) throw error;
      errors.push(`expression '${expression}' resulted in error: ${error.message}`);
      onError();
    }
  }
  return errors.length > 0 ? failed() : { matches: true };
}

const outOfBudget =
  "validation failed due to running out of cost budget, no further validation rules will be run";

/** As Go joins errors: each once. */
function joined(errors: readonly string[]): string {
  const [first = "", ...more] = [...new Set(errors)];
  return more.length === 0 ? first : `[${[first, ...more].join(", ")}]`;
}
