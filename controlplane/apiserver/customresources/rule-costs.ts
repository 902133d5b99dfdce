import { most } from "../../cel/cost/ranges.ts";
import type { FieldError } from "../registry/kind.ts";
import { forbidden } from "../resources/field-errors.ts";
import type { JsonSchema } from "./json-schema.ts";
import type { CompiledRule } from "./rules.ts";
import { declaredBy, sizesOf, timesInRequest } from "./schema-sizes.ts";

/** What rules would cost at most, before there is an object (apiextensions-apiserver's validation of definitions, in its
 *  words): a definition whose rules could cost too much is not taken. Pure. */

export const staticCostLimits = { expressionMax: 10_000_000, definitionMax: 100_000_000 } as const;

export interface RuleCost {
  readonly rule: number;
  readonly message?: number;
}

/** @param cardinality How many values of the schema an object can have; undefined: as many as fit into it. */
export function ruleCosts(
  rules: readonly CompiledRule[],
  schema: JsonSchema,
  { isRoot, cardinality }: { readonly isRoot: boolean; readonly cardinality: number | undefined },
): readonly RuleCost[] {
  const sizes = sizesOf(schema, isRoot || undefined);
  if (sizes === undefined) return [];
  const declared = declaredBy(sizes);
  const times = cardinality ?? timesInRequest(sizes);
  return rules.map(({ program, message }) => {
    if ("problem" in program) return { rule: 0 };
    const rule = Math.min(program.program.costMax(declared) * times, most);
    if (message === undefined || "problem" in message) return { rule };
    return { rule, message: message.program.costMax(declared) };
  });
}

/** How many values there can be inside a value of the schema, for each of it; undefined: no bound is said. */
export function childrenMax(schema: JsonSchema): number | undefined {
  const { type, additionalProperties, maxProperties, maxItems } = schema;
  if (type === "object" && additionalProperties !== undefined) return bound(maxProperties);
  return type === "array" ? bound(maxItems) : 1;
}

const bound = (given: number | undefined) => (given === undefined ? undefined : Math.max(given, 0));

/** The cost of all rules of one version's schema. */
export class TotalCost {
  #total = 0;
  #dearest: readonly { readonly field: string; readonly cost: number }[] = [];

  add(field: string, cost: number): void {
    this.#total = Math.min(this.#total + cost, most);
    if (cost < staticCostLimits.definitionMax / 100) return;
    const sorted = [...this.#dearest, { field, cost }].sort((a, b) => b.cost - a.cost);
    this.#dearest = sorted.slice(0, 4);
  }

  problems(path: string): readonly FieldError[] {
    if (this.#total <= staticCostLimits.definitionMax) return [];
    const part = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
    const all = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
    return [
      ...this.#dearest.map(({ field }) => forbidden(field, part)),
      forbidden(path, overBudget(all, this.#total, staticCostLimits.definitionMax)),
    ];
  }
}

export function expressionProblems(field: string, what: string, cost: number): readonly FieldError[] {
  if (cost <= staticCostLimits.expressionMax) return [];
  return [forbidden(field, overBudget(what, cost, staticCostLimits.expressionMax))];
}

function overBudget(what: string, cost: number, limit: number): string {
  const factor = cost / limit;
  const shown = factor > 100 ? "more than 100x" : `${rounded(factor, factor < 1.5 ? 6 : 1)}x`;
  const advice =
    "try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared";
  return `${what} exceeds budget by factor of ${shown} (${advice})`;
}

/** As Go rounds: what is exactly a half, to the even digit. */
function rounded(value: number, digits: number): string {
  const exact = value.toFixed(60);
  const end = exact.indexOf(".") + 1 + digits;
  const isHalf = /^50*$/.test(exact.slice(end));
  return isHalf && Number(exact[end - 1]) % 2 === 0 ? exact.slice(0, end) : value.toFixed(digits);
}
