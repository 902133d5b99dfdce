import { matchesLabels, selectorFromLabelSelector } from "../../../base/label-selector.ts";
import type { PodDisruptionBudget } from "../../../client/types.ts";
import type { PodInfo } from "../cycle/pod-info.ts";

/** Parts pods into those whose removal, one after the other, breaks a budget and those whose does not; the order stays. A
 *  budget without requirements is nobody's, and pods that it knows to be going cost it nothing. Pure. */
export function byBudgets(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const left = budgets.map((budget) => ({
    budget,
    selector: selectorFromLabelSelector(budget.spec.selector),
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    if (Object.keys(pod.labels).length > 0)
      for (const row of left) {
        const { metadata, status } = row.budget;
        if (metadata.namespace !== pod.namespace || row.selector === null || row.selector.length === 0)
          continue;
        if (!matchesLabels(row.selector, pod.labels)) continue;
        if (Object.hasOwn(status?.disruptedPods ?? {}, pod.pod.metadata.name)) continue;
        row.allowed--;
        if (row.allowed < 0) violates = true;
      }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}
