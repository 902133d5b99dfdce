import type { Labels } from "../../base/label-selector.ts";
import type { Node, NodeSelectorTerm, PodSpec } from "../../client/types.ts";

type Expression = NonNullable<NodeSelectorTerm["matchExpressions"]>[number];

/** A pod's nodeSelector and required node affinity hold for a node. Pure. */
export function matchesNode(spec: PodSpec, node: Node): boolean {
  const labels: Labels = node.metadata.labels ?? {};
  if (Object.entries(spec.nodeSelector ?? {}).some(([key, value]) => labels[key] !== value)) return false;
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || required.nodeSelectorTerms.some((term) => matchesTerm(term, node));
}

/** An empty term matches nothing. */
function matchesTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, node: Node): boolean {
  if (matchExpressions.length + matchFields.length === 0) return false;
  const labels: Labels = node.metadata.labels ?? {};
  return (
    matchExpressions.every((one) => holds(one, labels[one.key])) &&
    matchFields.every((one) => one.key === "metadata.name" && holds(one, node.metadata.name))
  );
}

function holds({ operator, values = [] }: Expression, value: string | undefined): boolean {
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
    case "Lt": {
      const [left, right] = [Number(value ?? Number.NaN), Number(values[0] ?? Number.NaN)];
      return operator === "Gt" ? left > right : left < right;
    }
    default:
      return false;
  }
}
