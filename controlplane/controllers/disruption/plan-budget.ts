import { ownField } from "../../../base/own-field.ts";
import { type BudgetStatus, disruptionConditions } from "../../../client/rules/disruption-allowed.ts";
import type { Pod, PodDisruptionBudget } from "../../../client/types.ts";
import { resolve } from "../int-or-percent.ts";
import { isReady } from "../pod-state.ts";
import { timeMs, timeText } from "../times.ts";

/** An eviction that was allowed is forgotten if the pod is still there so long after. */
const deletionTimeoutMs = 2 * 60 * 1000;

export interface BudgetObserved {
  readonly budget: PodDisruptionBudget;
  /** Those that it selects. */
  readonly pods: readonly Pod[];
  /** How many pods their controllers want, together; undefined where the budget does not ask for it. */
  readonly scale: number | undefined;
  readonly nowMs: number;
}

export interface BudgetPlan {
  readonly status: BudgetStatus;
  /** When an eviction that was allowed would be forgotten. */
  readonly recheckInMs?: number;
  /** Pods whose eviction was allowed long ago, and that are still there. */
  readonly notDeleted: readonly Pod[];
}

/** The budget counts in shares of what its pods' controllers want. */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec.maxUnavailable !== undefined || typeof spec.minAvailable === "string";
}

/** How many pods may be evicted now. Pure. */
export function planBudget({ budget, pods, scale, nowMs }: BudgetObserved): BudgetPlan {
  const { minAvailable, maxUnavailable } = budget.spec;
  const hasBound = minAvailable !== undefined || maxUnavailable !== undefined;
  const expectedPods = scale ?? (hasBound ? pods.length : 0);
  const desiredHealthy =
    maxUnavailable !== undefined
      ? Math.max(0, expectedPods - resolve(maxUnavailable, expectedPods, "up"))
      : resolve(minAvailable ?? 0, expectedPods, "up");
  const { disruptedPods, notDeleted, recheckInMs } = stillDisrupted(budget, pods, nowMs);
  const currentHealthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      !Object.hasOwn(disruptedPods, pod.metadata.name) &&
      isReady(pod),
  ).length;
  const spare = currentHealthy - desiredHealthy;
  const counted = {
    observedGeneration: budget.metadata.generation ?? 0,
    ...(Object.keys(disruptedPods).length > 0 && { disruptedPods }),
    disruptionsAllowed: expectedPods > 0 ? Math.max(0, spare) : 0,
    currentHealthy,
    desiredHealthy,
    expectedPods,
  };
  const before = budget.status?.conditions;
  const conditions = disruptionConditions(
    { ...counted, ...(before !== undefined && { conditions: before }) },
    timeText(nowMs),
  );
  return {
    status: { ...counted, conditions: [...conditions] },
    notDeleted,
    ...(recheckInMs !== undefined && { recheckInMs }),
  };
}

/** The status where the pods cannot be counted: nothing may go. Pure. */
export function failedStatus({ status }: PodDisruptionBudget, why: string, nowMs: number): BudgetStatus {
  const none = { currentHealthy: 0, desiredHealthy: 0, expectedPods: 0, ...status, disruptionsAllowed: 0 };
  return { ...none, conditions: [...disruptionConditions(none, timeText(nowMs), why)] };
}

function stillDisrupted({ status }: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) {
  const disruptedPods: { [pod: string]: string } = {};
  const notDeleted: Pod[] = [];
  let recheckInMs: number | undefined;
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const at = ownField(status?.disruptedPods ?? {}, name);
    if (at === undefined || deletionTimestamp !== undefined) continue;
    const leftMs = timeMs(at) + deletionTimeoutMs - nowMs;
    if (leftMs < 0) {
      notDeleted.push(pod);
      continue;
    }
    disruptedPods[name] = at;
    recheckInMs = Math.min(recheckInMs ?? leftMs, leftMs);
  }
  return { disruptedPods, notDeleted, recheckInMs };
}
