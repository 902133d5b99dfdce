import type { NodeSelectorTerm, PodSpec } from "../types.ts";
import { parseInt64 } from "./int64.ts";

/** What selectors look at of a node. */
export interface SelectableNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

type Requirement = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

/** Terms of a node selector are alternatives; an empty term matches nothing. */
export function matchesAnyTerm(terms: readonly NodeSelectorTerm[], node: SelectableNode): boolean {
  return terms.some((term) => matchesTerm(term, node));
}

export function matchesTerm(term: NodeSelectorTerm, node: SelectableNode): boolean {
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
  const [left, right] = [parseInt64(value ?? ""), parseInt64(bound ?? "")];
  if (left === undefined || right === undefined) return false;
  return operator === "Gt" ? left > right : left < right;
}

/** The nodes a pod may be on by its own wish; undefined when it has none. */
export function requiredNodes(spec: PodSpec): ((node: SelectableNode) => boolean) | undefined {
  const selector = Object.entries(spec.nodeSelector ?? {});
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (selector.length === 0 && required === undefined) return undefined;
  return (node) =>
    selector.every(([key, value]) => node.labels[key] === value) &&
    (required === undefined || matchesAnyTerm(required.nodeSelectorTerms, node));
}
