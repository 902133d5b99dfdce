import { type AggregatedRole, aggregatedRules, sameRules } from "../../../client/rules/aggregated-rules.ts";
import type { PolicyRule } from "../../../client/types.ts";

/** The rules that a cluster role should have instead of its own; undefined if it has them, or gathers none. Pure. */
export function planClusterRole(
  role: AggregatedRole,
  all: readonly AggregatedRole[],
): readonly PolicyRule[] | undefined {
  const wanted = aggregatedRules(role, all);
  return wanted === undefined || sameRules(wanted, role.rules) ? undefined : wanted;
}
