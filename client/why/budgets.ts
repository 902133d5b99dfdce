import { matchesLabels, selectorFromLabelSelector } from "../../base/label-selector.ts";
import type { Pod, PodDisruptionBudget } from "../types.ts";
import type { Facts } from "./facts.ts";
import { type Finding, finding, stands, wordsOf } from "./finding.ts";

/** Why a budget lets no pod go. */
export function explainBudget(budget: PodDisruptionBudget, _facts: Facts): readonly Finding[] {
  const { status, spec = {}, metadata } = budget;
  if (status === undefined || status.observedGeneration === undefined) return [];
  const { expectedPods = 0, currentHealthy = 0, desiredHealthy = 0, disruptionsAllowed = 0 } = status;
  const next = [
    `kubectl describe ${wordsOf(budget)}`,
    `kubectl get pods -n ${metadata.namespace} --show-labels`,
  ];
  const evidence = [
    stands(
      budget,
      "status",
      `${currentHealthy} of ${expectedPods} pods are healthy, ${desiredHealthy} have to be; disruptionsAllowed: ${disruptionsAllowed}`,
    ),
  ];
  if (expectedPods === 0)
    return [
      finding("budget-no-pods", budget, "it protects nothing: its selector matches no pod of a workload", {
        evidence: [...evidence, stands(budget, "spec.selector", spec.selector ?? {})],
        change: ["a selector that the pods' labels match"],
        next,
      }),
    ];
  if (disruptionsAllowed > 0) return [];
  const never = desiredHealthy >= expectedPods;
  const wants =
    spec.minAvailable !== undefined
      ? `minAvailable: ${spec.minAvailable}`
      : `maxUnavailable: ${spec.maxUnavailable}`;
  const cause = never
    ? `it blocks every drain: ${wants} of ${expectedPods} pods lets none go, even while all are healthy`
    : `it blocks drains for now: ${currentHealthy} pods are healthy, and ${desiredHealthy} have to be`;
  return [
    finding("budget-blocks", budget, cause, {
      evidence,
      change: never
        ? ["a smaller minAvailable, a larger maxUnavailable, or more replicas"]
        : ["its pods are ready"],
      next,
    }),
  ];
}

/** Which budgets that allow no disruption protect which of these pods. */
export function disruptionsBlock(
  budgets: readonly PodDisruptionBudget[],
  pods: readonly Pod[],
): readonly { readonly budget: PodDisruptionBudget; readonly pods: readonly Pod[] }[] {
  return budgets
    .filter(({ status }) => status?.disruptionsAllowed === 0)
    .flatMap((budget) => {
      const selector = selectorFromLabelSelector(budget.spec?.selector);
      const held = pods.filter(
        ({ metadata }) =>
          metadata.namespace === budget.metadata.namespace && matchesLabels(selector, metadata.labels),
      );
      return held.length > 0 ? [{ budget, pods: held }] : [];
    });
}
