import type { Variable } from "../../../client/types.ts";
import { compile, type Program } from "../../cel/compile.ts";
import { costLimits, type Environment, Meter } from "../../cel/environment.ts";
import { type CelType, types, typeText } from "../../cel/types.ts";
import { CelError, CelMap, CostExceeded, type Value } from "../../cel/values.ts";
import { type Answers, evaluateAsking, requestEnvironment } from "../admission/matching/variables.ts";
import { withPatches } from "./patch-messages.ts";

/** Expressions of policies: those of a request, with the variables that the policy itself defines. */

/** Kubernetes' words for what an expression must come to. */
export type Wanted = "bool" | "string" | "text or null" | "anything" | "Object" | "list(JSONPatch)";

export type CompiledExpression = { readonly program: Program } | { readonly problem: string };

export interface CompiledVariable {
  readonly name: string;
  readonly compiled: CompiledExpression;
}

/** @param more What may be named beside the request: `params`, `variables`. */
export function compileExpression(
  expression: string,
  wanted: Wanted,
  more: Readonly<Record<string, CelType>>,
  { authorizer = true } = {},
): CompiledExpression {
  const environment = environmentWith(more, authorizer);
  const isPatch = wanted === "Object" || wanted === "list(JSONPatch)";
  const compiled = compile(expression, isPatch ? withPatches(environment) : environment);
  if ("problem" in compiled) return compiled;
  const { type } = compiled.program;
  const found = typeText(type);
  switch (wanted) {
    case "anything":
      return compiled;
    case "text or null":
      if (type.kind === "string" || type.kind === "null") return compiled;
      return { problem: `must evaluate to one of [string null_type] but got ${found}` };
    default:
      if (found === wanted) return compiled;
      return { problem: `must evaluate to ${wanted} but got ${found}` };
  }
}

function environmentWith(more: Readonly<Record<string, CelType>>, authorizer: boolean): Environment {
  const environment = requestEnvironment(more);
  if (authorizer) return environment;
  const variables = [...environment.variables].filter(([name]) => !name.startsWith("authorizer"));
  return { ...environment, variables: new Map(variables) };
}

/** Each may name those before it. */
export function compileVariables(
  variables: readonly Variable[],
  more: Readonly<Record<string, CelType>>,
): readonly CompiledVariable[] {
  const compiled: CompiledVariable[] = [];
  for (const { name, expression } of variables)
    compiled.push({
      name,
      compiled: compileExpression(expression, "anything", { ...more, variables: variablesType(compiled) }),
    });
  return compiled;
}

/** The type of `variables`, of those that are known so far. */
export function variablesType(variables: readonly CompiledVariable[]): CelType {
  const fields = variables.map(({ name, compiled }): [string, CelType] => [
    name,
    "program" in compiled ? declared(compiled.program.type) : types.dyn,
  ]);
  return { kind: "object", name: "kubernetes.variables", fields: new Map(fields) };
}

/** Objects with fields of their own count as anything, once they are in a variable. */
function declared(type: CelType): CelType {
  switch (type.kind) {
    case "list":
      return { kind: "list", item: declared(type.item) };
    case "map":
      return { kind: "map", key: declared(type.key), value: declared(type.value) };
    case "object":
    case "opaque":
    case "optional":
    case "error":
    case "param":
      return types.dyn;
    default:
      return type;
  }
}

/** What the expressions of one policy on one request may still cost together. */
export interface Budget {
  left: number;
}

export type Result = { readonly value: Value } | { readonly error: string };

export class OutOfBudget extends Error {
  constructor() {
    super("validation failed due to running out of cost budget, no further validation rules will be run");
  }
}

/** Runs expressions of one policy on one request: a variable is computed once, when it is first named. */
export class Evaluation {
  readonly #variables: Map<string, Value>;
  readonly #answers: Answers;
  #meter = new Meter(costLimits.expressionMax);

  /** @param named The request's variables and `params`. */
  constructor(named: ReadonlyMap<string, Value>, own: readonly CompiledVariable[], answers: Answers) {
    this.#variables = new Map(named);
    this.#answers = answers;
    const composed = new CelMap("kubernetes.variables");
    for (const variable of own) composed.setLazy(variable.name, () => this.#compute(variable));
    this.#variables.set("variables", composed);
  }

  /** Fails with OutOfBudget; what goes wrong in the expression is its result. */
  async run(compiled: CompiledExpression, expression: string, budget: Budget): Promise<Result> {
    if ("problem" in compiled) return { error: `compilation error: ${compiled.problem}` };
    const meter = () => {
      this.#meter = new Meter(costLimits.expressionMax);
      return this.#meter;
    };
    try {
      const { value, cost } = await evaluateAsking(compiled.program, this.#variables, {
        answers: this.#answers,
        meter,
      });
      budget.left -= cost;
      if (budget.left < 0) throw new OutOfBudget();
      return { value };
    } catch (error) {
      if (!(error instanceof CelError || error instanceof CostExceeded)) throw error;
      budget.left -= this.#meter.spent;
      if (budget.left < 0) throw new OutOfBudget();
      return { error: `expression '${expression}' resulted in error: ${error.message}` };
    }
  }

  #compute({ name, compiled }: CompiledVariable): Value {
    const named = `composited variable ${JSON.stringify(name)}`;
    if ("problem" in compiled) throw new CelError(`${named} fails to compile: ${compiled.problem}`);
    try {
      return compiled.program.evaluate(this.#variables, this.#meter);
    } catch (error) {
      if (error instanceof CelError) throw new CelError(`${named} fails to evaluate: ${error.message}`);
      throw error;
    }
  }
}
