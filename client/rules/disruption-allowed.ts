import type { Condition, PodDisruptionBudget } from "../types.ts";

export type BudgetStatus = NonNullable<PodDisruptionBudget["status"]>;

const type = "DisruptionAllowed";

export const disruptionCondition = ({ conditions }: BudgetStatus): Condition | undefined =>
  conditions?.find((one) => one.type === type);

/** The conditions with what the number of allowed disruptions says, or what went wrong with counting. Pure. */
export function disruptionConditions(
  status: BudgetStatus,
  now: string,
  failure?: string,
): readonly Condition[] {
  const allowed = failure === undefined && (status.disruptionsAllowed ?? 0) > 0;
  const before = disruptionCondition(status);
  const value = allowed ? "True" : "False";
  const reason = failure !== undefined ? "SyncFailed" : allowed ? "SufficientPods" : "InsufficientPods";
  const condition: Condition = {
    type,
    status: value,
    ...(status.observedGeneration !== undefined && { observedGeneration: status.observedGeneration }),
    lastTransitionTime: before?.status === value ? before.lastTransitionTime : now,
    reason,
    message: failure ?? "",
  };
  const rest = status.conditions ?? [];
  return before === undefined ? [...rest, condition] : rest.map((one) => (one === before ? condition : one));
}
