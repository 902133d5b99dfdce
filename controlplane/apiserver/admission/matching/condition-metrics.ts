import type { Clock } from "../../../../base/os/clock.ts";
import type { Meter } from "../../../../base/os/metrics.ts";

type Labels = "name" | "kind" | "type" | "operation";
/** `name` is that of the webhook or the policy; `type` is admit (of webhooks that change objects) or validate. */
export type ConditionLabels = Readonly<Record<Labels, string>>;

const about =
  "identified by name of resource containing the match condition and broken out for each kind containing matchConditions (webhook or policy), operation and admission type (validate or admit).";

/** What is observed of match conditions, under Kubernetes' names. */
export const conditionMetrics = (meter: Meter) => ({
  seconds: meter.buckets<Labels>(
    "apiserver_admission_match_condition_evaluation_seconds",
    "[ALPHA] Admission match condition evaluation time in seconds, identified by name and broken out for each kind containing matchConditions (webhook or policy), operation and type (validate or admit).",
    [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25],
  ),
  errors: meter.tally<Labels>(
    "apiserver_admission_match_condition_evaluation_errors_total",
    `[ALPHA] Admission match condition evaluation errors count, ${about}`,
  ),
});

export interface ObservingDeps {
  readonly clock: Clock;
  readonly conditionMetrics: ReturnType<typeof conditionMetrics>;
}

/** Observes how long the conditions take, and how many fail; nothing where there are none. */
export async function observedConditions<T>(
  { clock, conditionMetrics }: ObservingDeps,
  { conditions, ...labels }: ConditionLabels & { readonly conditions: readonly unknown[] },
  match: (onError: () => void) => Promise<T>,
): Promise<T> {
  if (conditions.length === 0) return match(() => {});
  const { seconds, errors } = conditionMetrics;
  const startedMs = clock.monotonicMs();
  try {
    return await match(() => void errors.of(labels).count++);
  } finally {
    seconds.of(labels).observe((clock.monotonicMs() - startedMs) / 1000);
  }
}
