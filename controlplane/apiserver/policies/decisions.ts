import { costLimits } from "../../cel/environment.ts";
import { untypedValue } from "../../cel/json-values.ts";
import type { Value } from "../../cel/values.ts";
import { conditionsMatch, type Verdict } from "../admission/matching/match-conditions.ts";
import type { Answers } from "../admission/matching/variables.ts";
import type { JsonObject } from "../json.ts";
import { type Budget, Evaluation, OutOfBudget, type Result } from "./expressions.ts";
import type { CompiledAnnotation, CompiledValidation, ValidatingPolicy } from "./policy.ts";

/** What a policy says of a request with one set of params. */
export interface Said {
  readonly refusals: readonly Refusal[];
  /** What could not be evaluated, where failures do not count. */
  readonly ignored: readonly Refusal[];
  readonly annotations: readonly { readonly key: string; readonly value: string }[];
  /** What keeps an annotation from being made, where failures count. */
  readonly annotationFaults: readonly string[];
}

export interface Refusal {
  readonly message: string;
  /** Of the Status; absent: the policy could not be evaluated. */
  readonly reason?: string;
  /** Which of the validations. */
  readonly index: number;
  readonly tookMs: number;
}

export interface Facts {
  /** Of the request, in the form that the policy looks at. */
  readonly variables: ReadonlyMap<string, Value>;
  readonly answers: Answers;
  readonly params: JsonObject | undefined;
  readonly monotonicMs: () => number;
  /** Runs the match conditions under observation. */
  readonly observed: (match: (onError: () => void) => Promise<Verdict>) => Promise<Verdict>;
}

const messageBytesMax = 5 * 1024;

/** Evaluates a policy (Kubernetes' validator.Validate, in its words). */
export async function evaluatePolicy(policy: ValidatingPolicy, facts: Facts): Promise<Said> {
  const { answers, params } = facts;
  const { failurePolicy } = policy;
  const fails = failurePolicy !== "Ignore";
  const startedMs = facts.monotonicMs();
  const failed = (message: string): Said => {
    const fault = [{ message, index: 0, tookMs: facts.monotonicMs() - startedMs }];
    return { ...nothing, refusals: fails ? fault : [], ignored: fails ? [] : fault };
  };
  const named = new Map(facts.variables);
  named.set("params", params === undefined ? null : untypedValue(params));
  const verdict = await facts.observed((onError) =>
    conditionsMatch(policy.conditions, withoutNamespace(named), { answers, failurePolicy, onError }),
  );
  if ("error" in verdict) return failed(verdict.error);
  if (!verdict.matches) return nothing;
  const evaluation = new Evaluation(named, policy.variables, answers);
  try {
    const { monotonicMs } = facts;
    const found = await validate(policy.validations, evaluation, { fails, monotonicMs });
    const annotations = await annotate(policy.annotations, new Evaluation(named, policy.variables, answers));
    return {
      ...found,
      annotations: annotations.made,
      annotationFaults: fails ? annotations.faults : annotations.wrongTypes,
    };
  } catch (error) {
    if (error instanceof OutOfBudget) return failed(error.message);
    throw error;
  }
}

const nothing: Said = { refusals: [], ignored: [], annotations: [], annotationFaults: [] };

/** Conditions do not see the namespace. */
function withoutNamespace(named: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  return new Map(named).set("namespaceObject", null);
}

async function validate(
  validations: readonly CompiledValidation[],
  evaluation: Evaluation,
  { fails, monotonicMs }: { readonly fails: boolean; readonly monotonicMs: () => number },
): Promise<Pick<Said, "refusals" | "ignored">> {
  const budget: Budget = { left: costLimits.objectMax };
  const results: { readonly result: Result; readonly tookMs: number }[] = [];
  for (const { validation, expression } of validations) {
    const startedMs = monotonicMs();
    const result = await evaluation.run(expression, validation.expression, budget);
    results.push({ result, tookMs: monotonicMs() - startedMs });
  }
  const refusals: Refusal[] = [];
  const ignored: Refusal[] = [];
  for (const [index, { result, tookMs }] of results.entries()) {
    const compiled = validations[index];
    if (compiled === undefined) continue;
    if ("error" in result) (fails ? refusals : ignored).push({ message: result.error, index, tookMs });
    else if (result.value !== true) {
      const message = await messageOf(compiled, evaluation, budget);
      refusals.push({ message, reason: compiled.validation.reason ?? "Invalid", index, tookMs });
    }
  }
  return { refusals, ignored };
}

async function messageOf(
  { validation, message }: CompiledValidation,
  evaluation: Evaluation,
  budget: Budget,
): Promise<string> {
  const said = message && (await evaluation.run(message, validation.messageExpression ?? "", budget));
  const text =
    said !== undefined && "value" in said && typeof said.value === "string" ? said.value.trim() : "";
  if (text !== "" && Buffer.byteLength(text) <= messageBytesMax && !text.includes("\n")) return text;
  return validation.message?.trim() || `failed expression: ${validation.expression.trim()}`;
}

async function annotate(annotations: readonly CompiledAnnotation[], evaluation: Evaluation) {
  const budget: Budget = { left: costLimits.objectMax };
  const made: { key: string; value: string }[] = [];
  const faults: string[] = [];
  const wrongTypes: string[] = [];
  for (const { annotation, value } of annotations) {
    const { key, valueExpression } = annotation;
    const result = await evaluation.run(value, valueExpression, budget);
    if ("error" in result) faults.push(result.error);
    else if (typeof result.value === "string") {
      const text = result.value.trim();
      if (text !== "") made.push({ key, value: text });
    } else if (result.value !== null) {
      wrongTypes.push(
        `valueExpression '${valueExpression}' resulted in unsupported return type. Return type must be either string or null.`,
      );
    }
  }
  return { made, faults: [...faults, ...wrongTypes], wrongTypes };
}
