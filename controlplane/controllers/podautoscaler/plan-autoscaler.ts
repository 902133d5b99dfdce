import { assert } from "../../../base/assert.ts";
import { parseQuantity } from "../../../base/quantity.ts";
import type * as models from "../../../client/models.ts";
import type { HorizontalPodAutoscaler, Pod } from "../../../client/types.ts";
import { withCondition, without } from "../conditions.ts";
import { timeText } from "../times.ts";
import { type History, type Normalized, normalize } from "./plan-behavior.ts";
import { type MetricPlan, type MetricStatus, planMetric, type Reading } from "./plan-metric.ts";
import type { ReadinessRules, Tolerances, Workload } from "./plan-replicas.ts";

/** What an autoscaler wants of its target, and what it says of itself. Pure. */

export type AutoscalerCondition = models.HorizontalPodAutoscalerCondition;
export type AutoscalerStatus = NonNullable<HorizontalPodAutoscaler["status"]>;

export interface AutoscalerEvent {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface AutoscalerRules {
  readonly tolerance: number;
  readonly downWindowMs: number;
  readonly cpuInitializationMs: number;
  readonly initialReadinessMs: number;
}

/** What was seen, after the target's scale was read. */
export interface Seen {
  readonly autoscaler: HorizontalPodAutoscaler;
  /** What the target asks for, and what it has. */
  readonly current: number;
  readonly present: number;
  readonly history: History;
  readonly rules: AutoscalerRules;
  readonly nowMs: number;
}

/** What is measured, once it is known that it must be: one reading a metric. */
export type Measured =
  | { readonly ok: true; readonly pods: readonly Pod[]; readonly readings: readonly Reading[] }
  | {
      readonly ok: false;
      readonly problem: string;
      readonly event: string;
      /** Of ScalingActive. */
      readonly condition: { readonly reason: string; readonly message: string };
    };

export interface AutoscalerPlan {
  readonly replicas: number;
  /** Absent: the target stays as it is. */
  readonly rescale?: { readonly reason: string };
  readonly conditions: readonly AutoscalerCondition[];
  readonly currentMetrics: readonly MetricStatus[];
  readonly events: readonly AutoscalerEvent[];
  readonly history: History;
  /** Set where something went wrong; the target is then scaled all the same where `rescale` says so. */
  readonly problem?: string;
  /** Nothing could be computed: what was wanted before still stands in the status. */
  readonly failed: boolean;
  /** For the metrics of this controller, one a metric of the autoscaler. */
  readonly computed: readonly MetricPlan[];
}

const minReplicasOf = ({ spec }: HorizontalPodAutoscaler) => spec.minReplicas ?? 1;

/** Metrics matter only while the target is within its bounds, and was not scaled to zero by somebody. */
export function needsMetrics({ autoscaler, current }: Seen): boolean {
  return current !== 0 && current <= autoscaler.spec.maxReplicas && current >= minReplicasOf(autoscaler);
}

export function planAutoscaler(seen: Seen, measured: Measured | undefined): AutoscalerPlan {
  const { autoscaler, current, nowMs } = seen;
  // That somebody was scaled to zero by an autoscaler is a feature that is off, as it is by default.
  const before = without(autoscaler.status?.conditions, "ScaledToZero");
  const able = said(before, nowMs, "AbleToScale", true, {
    reason: "SucceededGetScale",
    message: "the HPA controller was able to get the target's current scale",
  });
  const history =
    seen.history.recommendations.length > 0
      ? seen.history
      : { ...seen.history, recommendations: [{ replicas: current, atMs: nowMs }] };
  const plain = { conditions: able, currentMetrics: [], events: [], history, failed: false, computed: [] };
  if (current === 0) {
    const disabled = {
      reason: "ScalingDisabled",
      message: "scaling is disabled since the replica count of the target is zero",
    };
    return { ...plain, replicas: 0, conditions: said(able, nowMs, "ScalingActive", false, disabled) };
  }
  const min = minReplicasOf(autoscaler);
  const max = autoscaler.spec.maxReplicas;
  if (current > max)
    return {
      ...plain,
      replicas: max,
      rescale: { reason: "Current number of replicas above Spec.MaxReplicas" },
    };
  if (current < min)
    return {
      ...plain,
      replicas: min,
      rescale: { reason: "Current number of replicas below Spec.MinReplicas" },
    };
  return planByMetrics({ ...seen, history }, able, measured);
}

function planByMetrics(
  seen: Seen,
  able: readonly AutoscalerCondition[],
  measured: Measured | undefined,
): AutoscalerPlan {
  const { autoscaler, current, history, rules, nowMs } = seen;
  const { spec } = autoscaler;
  assert(measured !== undefined, "an autoscaler whose metrics matter was planned without any");
  if (!measured.ok)
    return {
      replicas: current,
      conditions: said(able, nowMs, "ScalingActive", false, measured.condition),
      currentMetrics: [],
      events: [
        { type: "Warning", reason: measured.event, message: measured.problem },
        { type: "Warning", reason: "FailedComputeMetricsReplicas", message: measured.problem },
      ],
      history,
      problem: measured.problem,
      failed: true,
      computed: [],
    };
  const metrics = spec.metrics ?? [];
  const workload = workloadOf(seen, measured.pods);
  const computed = metrics.map((metric, index) =>
    planMetric(
      metric,
      measured.readings[index] ?? { kind: "none", why: "not measured" },
      workload,
      autoscaler.metadata.namespace ?? "",
    ),
  );
  const events: AutoscalerEvent[] = computed.flatMap((plan) =>
    plan.ok ? [] : [{ type: "Warning", reason: plan.reason, message: plan.why }],
  );
  // A metric that failed has a place in the status all the same.
  const currentMetrics = computed.map((plan): MetricStatus => (plan.ok ? plan.status : { type: "" }));
  const combined = combine(computed, current);
  if (!combined.ok) {
    events.push({ type: "Warning", reason: "FailedComputeMetricsReplicas", message: combined.problem });
    return {
      replicas: current,
      conditions: said(able, nowMs, "ScalingActive", false, combined.condition),
      currentMetrics,
      events,
      history,
      problem: combined.problem,
      failed: true,
      computed,
    };
  }
  const active = said(able, nowMs, "ScalingActive", true, {
    reason: "ValidMetricFound",
    message: `the HPA was able to successfully calculate a replica count from ${combined.name}`,
  });
  const bounds = { current, min: minReplicasOf(autoscaler), max: spec.maxReplicas };
  const times = { nowMs, downWindowMs: rules.downWindowMs };
  const normalized = normalize(combined.replicas, bounds, spec.behavior, history, times);
  const reason =
    combined.replicas > current
      ? `${combined.name} above target`
      : combined.replicas < current
        ? "All metrics below target"
        : "";
  return {
    replicas: normalized.replicas,
    ...(normalized.replicas !== current && { rescale: { reason } }),
    conditions: normalizedConditions(active, normalized, nowMs),
    currentMetrics,
    events,
    history: normalized.history,
    ...(combined.problem !== undefined && { problem: combined.problem }),
    failed: false,
    computed,
  };
}

function workloadOf({ autoscaler, current, present, rules, nowMs }: Seen, pods: readonly Pod[]): Workload {
  const { cpuInitializationMs, initialReadinessMs } = rules;
  const readiness: ReadinessRules = { cpuInitializationMs, initialReadinessMs, nowMs };
  return {
    replicas: current,
    presentReplicas: present,
    pods,
    tolerances: tolerancesOf(autoscaler, rules.tolerance),
    rules: readiness,
  };
}

export function tolerancesOf({ spec }: HorizontalPodAutoscaler, otherwise: number): Tolerances {
  const of = (text: string | undefined) => (text === undefined ? otherwise : parseQuantity(text));
  return { down: of(spec.behavior?.scaleDown?.tolerance), up: of(spec.behavior?.scaleUp?.tolerance) };
}

type Combined =
  | { readonly ok: true; readonly replicas: number; readonly name: string; readonly problem?: string }
  | {
      readonly ok: false;
      readonly problem: string;
      readonly condition: { readonly reason: string; readonly message: string };
    };

/** The metric that asks for most counts. One that failed may hold back from shrinking, never from growing. */
function combine(computed: readonly MetricPlan[], current: number): Combined {
  let replicas = 0;
  let name = "";
  for (const plan of computed) {
    if (!plan.ok || (replicas !== 0 && plan.replicas <= replicas)) continue;
    replicas = plan.replicas;
    name = plan.name;
  }
  const failures = computed.filter((plan) => !plan.ok);
  const [first] = failures;
  if (first === undefined) return { ok: true, replicas, name };
  const problem = `invalid metrics (${failures.length} invalid out of ${computed.length}), first error is: ${first.whole}`;
  if (failures.length < computed.length && replicas >= current) return { ok: true, replicas, name, problem };
  const message = `the HPA was unable to compute the replica count: ${first.why}`;
  return { ok: false, problem, condition: { reason: first.reason, message } };
}

function normalizedConditions(
  conditions: readonly AutoscalerCondition[],
  { able, limited }: Normalized,
  nowMs: number,
): readonly AutoscalerCondition[] {
  return said(
    said(conditions, nowMs, "AbleToScale", true, able),
    nowMs,
    "ScalingLimited",
    limited.isLimited,
    limited,
  );
}

/** The conditions with this one among them. */
export function said(
  conditions: readonly AutoscalerCondition[] | undefined,
  nowMs: number,
  type: "AbleToScale" | "ScalingActive" | "ScalingLimited",
  holds: boolean,
  { reason, message }: { readonly reason: string; readonly message: string },
): readonly AutoscalerCondition[] {
  const status = holds ? "True" : "False";
  return withCondition(conditions, { type, status, reason, message, lastTransitionTime: timeText(nowMs) });
}
