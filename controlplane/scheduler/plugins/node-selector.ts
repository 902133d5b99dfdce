import type { NodeSelectorTerm } from "../../../client/types.ts";
import type { NodeInfo } from "../cycle/node-info.ts";

type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

/** Terms of a node selector are alternatives; an empty term matches nothing. */
export function matchesAnyTerm(terms: readonly NodeSelectorTerm[], node: NodeInfo): boolean {
  return terms.some((term) => matchesTerm(term, node));
}

export function matchesTerm(term: NodeSelectorTerm, node: NodeInfo): boolean {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return false;
  return (
    expressions.every((one) =>
      holds(one, Object.hasOwn(node.labels, one.key) ? node.labels[one.key] : undefined),
    ) && fields.every((one) => holds(one, one.key === "metadata.name" ? node.name : undefined))
  );
}

/** All six operators of node affinity. */
function holds({ operator, values = [] }: Requirement, value: string | undefined): boolean {
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    case "Gt":
    case "Lt":
      return holdsNumber(operator, value, values[0]);
    default:
      return false;
  }
}

function holdsNumber(operator: "Gt" | "Lt", value: string | undefined, bound: string | undefined): boolean {
  if (value === undefined || bound === undefined || !isInteger(value) || !isInteger(bound)) return false;
  return operator === "Gt" ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound);
}

const isInteger = (text: string) => /^[+-]?\d+$/.test(text) && !text.startsWith("+");
