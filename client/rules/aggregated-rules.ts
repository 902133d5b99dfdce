import { matchesLabels, selectorFromLabelSelector } from "../../base/label-selector.ts";
import type { ClusterRole, PolicyRule } from "../types.ts";

/** What of a cluster role counts here. */
export type AggregatedRole = Pick<ClusterRole, "rules" | "aggregationRule"> & {
  readonly metadata: { readonly name?: string; readonly labels?: Readonly<Record<string, string>> };
};

/** The rules that a cluster role gathers from all others by its aggregationRule, each once, selector for selector and by
 *  name; undefined for one that has no such rule. Pure; Kubernetes' clusterrole-aggregation.
 *  Throws SelectorError on a selector with an operator that does not exist. */
export function aggregatedRules(
  role: AggregatedRole,
  all: readonly AggregatedRole[],
): readonly PolicyRule[] | undefined {
  if (role.aggregationRule === undefined) return undefined;
  const { name } = role.metadata;
  const others = all
    .filter((one) => one.metadata.name !== name)
    .sort((a, b) => ((a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1));
  const rules = new Map<string, PolicyRule>();
  for (const labelSelector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const selector = selectorFromLabelSelector(labelSelector);
    for (const other of others.filter(({ metadata }) => matchesLabels(selector, metadata.labels)))
      for (const rule of other.rules ?? []) if (!rules.has(keyOf(rule))) rules.set(keyOf(rule), rule);
  }
  return [...rules.values()];
}

/** Are these the same rules in the same order? */
export function sameRules(
  a: readonly PolicyRule[] | undefined,
  b: readonly PolicyRule[] | undefined,
): boolean {
  const [these, those] = [a ?? [], b ?? []];
  return these.length === those.length && these.every((rule, at) => keyOf(rule) === keyOf(those[at] ?? rule));
}

/** The same for rules that say the same: an empty list is as good as none. */
function keyOf({ verbs, apiGroups, resources, resourceNames, nonResourceURLs }: PolicyRule): string {
  const lists = [verbs, apiGroups, resources, resourceNames, nonResourceURLs];
  return JSON.stringify(lists.map((list) => list ?? []));
}
