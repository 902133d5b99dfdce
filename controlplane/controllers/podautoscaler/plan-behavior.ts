import type * as models from "../../../client/models.ts";
/** How fast a target may grow and shrink, and which of the recent recommendations counts. Pure. */

export type ScalingRules = models.HPAScalingRules;
export type Behavior = models.HorizontalPodAutoscalerBehavior;

export interface Recommendation {
  readonly replicas: number;
  readonly atMs: number;
}

/** A change of so many replicas. */
export interface ScaleChange {
  readonly change: number;
  readonly atMs: number;
}

/** What is remembered of an autoscaler while one manager leads. */
export interface History {
  readonly recommendations: readonly Recommendation[];
  readonly ups: readonly ScaleChange[];
  readonly downs: readonly ScaleChange[];
}

export const noHistory: History = { recommendations: [], ups: [], downs: [] };

export interface Bounds {
  readonly current: number;
  readonly min: number;
  readonly max: number;
}

/** What is to be said of AbleToScale or ScalingLimited. */
export interface Said {
  readonly reason: string;
  readonly message: string;
}

export interface Normalized {
  readonly replicas: number;
  readonly able: Said;
  readonly limited: Said & { readonly isLimited: boolean };
  readonly history: History;
}

const downText =
  "recent recommendations were higher than current one, applying the highest recent recommendation";
const upText =
  "recent recommendations were lower than current one, applying the lowest recent recommendation";
const ready: Said = { reason: "ReadyForNewScale", message: "recommended size matches current size" };
const within: Said = {
  reason: "DesiredWithinRange",
  message: "the desired count is within the acceptable range",
};
const limitSaid = {
  upRate: {
    reason: "ScaleUpLimit",
    message: "the desired replica count is increasing faster than the maximum scale rate",
  },
  downRate: {
    reason: "ScaleDownLimit",
    message: "the desired replica count is decreasing faster than the maximum scale rate",
  },
  max: {
    reason: "TooManyReplicas",
    message: "the desired replica count is more than the maximum replica count",
  },
  min: {
    reason: "TooFewReplicas",
    message: "the desired replica count is less than the minimum replica count",
  },
} as const satisfies Record<string, Said>;

export interface Times {
  readonly nowMs: number;
  /** Where the autoscaler says none itself. */
  readonly downWindowMs: number;
}

/** From what the metrics propose to what the target gets.
 *  @param behavior Absent: Kubernetes' old rule, at most doubling (or four) at a time. */
export function normalize(
  proposed: number,
  bounds: Bounds,
  behavior: Behavior | undefined,
  history: History,
  times: Times,
): Normalized {
  const stable =
    behavior === undefined
      ? stabilizeDown(proposed, history, times)
      : stabilize(proposed, bounds, behavior, history, times);
  const limit =
    behavior === undefined
      ? plainLimit(stable.replicas, bounds)
      : rateLimit(stable.replicas, bounds, behavior, history, times.nowMs);
  return {
    replicas: limit.replicas,
    able: stable.replicas === proposed ? ready : stable.said,
    limited: { ...limit.said, isLimited: limit.replicas !== stable.replicas },
    history: { ...history, recommendations: stable.recommendations },
  };
}

interface Stable {
  readonly replicas: number;
  readonly said: Said;
  readonly recommendations: readonly Recommendation[];
}

function stabilizeDown(proposed: number, { recommendations }: History, times: Times): Stable {
  const recent = recommendations.filter(({ atMs }) => atMs >= times.nowMs - times.downWindowMs);
  return {
    replicas: Math.max(proposed, ...recent.map(({ replicas }) => replicas)),
    said: { reason: "ScaleDownStabilized", message: downText },
    recommendations: [...recent, { replicas: proposed, atMs: times.nowMs }],
  };
}

function stabilize(
  proposed: number,
  { current }: Bounds,
  { scaleUp, scaleDown }: Behavior,
  { recommendations }: History,
  { nowMs, downWindowMs }: Times,
): Stable {
  const upFromMs = nowMs - (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000;
  const downSeconds = scaleDown?.stabilizationWindowSeconds;
  const downFromMs = nowMs - (downSeconds === undefined ? downWindowMs : downSeconds * 1000);
  const since = (fromMs: number) =>
    recommendations.filter(({ atMs }) => atMs > fromMs).map(({ replicas }) => replicas);
  const least = Math.min(proposed, ...since(upFromMs));
  const most = Math.max(proposed, ...since(downFromMs));
  const kept = recommendations.filter(({ atMs }) => atMs >= Math.min(upFromMs, downFromMs));
  return {
    replicas: Math.min(Math.max(current, least), most),
    said:
      proposed >= current
        ? { reason: "ScaleUpStabilized", message: upText }
        : { reason: "ScaleDownStabilized", message: downText },
    recommendations: [...kept, { replicas: proposed, atMs: nowMs }],
  };
}

interface Limit {
  readonly replicas: number;
  readonly said: Said;
}

function plainLimit(wanted: number, { current, min, max }: Bounds): Limit {
  const rate = Math.max(2 * current, 4);
  if (wanted < min) return { replicas: min, said: limitSaid.min };
  if (wanted > Math.min(rate, max))
    return { replicas: Math.min(rate, max), said: max > rate ? limitSaid.upRate : limitSaid.max };
  return { replicas: wanted, said: within };
}

function rateLimit(
  wanted: number,
  { current, min, max }: Bounds,
  { scaleUp, scaleDown }: Behavior,
  history: History,
  nowMs: number,
): Limit {
  if (wanted > current) {
    const rate = Math.max(current, upLimit(current, scaleUp ?? {}, history, nowMs));
    if (wanted > Math.min(rate, max))
      return { replicas: Math.min(rate, max), said: max > rate ? limitSaid.upRate : limitSaid.max };
  } else if (wanted < current) {
    const rate = Math.min(current, downLimit(current, scaleDown ?? {}, history, nowMs));
    if (wanted < Math.max(rate, min))
      return { replicas: Math.max(rate, min), said: min < rate ? limitSaid.downRate : limitSaid.min };
  }
  return { replicas: wanted, said: within };
}

function upLimit(current: number, rules: ScalingRules, history: History, nowMs: number): number {
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = periodStart(current, history, periodSeconds, nowMs);
    // Rounded up: a small share of few replicas would never let them grow.
    return type === "Pods" ? start + value : Math.ceil(start * (1 + value / 100));
  });
  return selected(current, rules, limits, { Min: Math.min, Max: Math.max });
}

function downLimit(current: number, rules: ScalingRules, history: History, nowMs: number): number {
  const limits = (rules.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = periodStart(current, history, periodSeconds, nowMs);
    return type === "Pods" ? start - value : Math.trunc(start * (1 - value / 100));
  });
  return selected(current, rules, limits, { Min: Math.max, Max: Math.min });
}

/** The policy that allows the most counts, unless the rules choose the least, or forbid this direction. */
function selected(
  current: number,
  { selectPolicy = "Max" }: ScalingRules,
  limits: readonly number[],
  by: Readonly<Record<"Min" | "Max", (...limits: number[]) => number>>,
): number {
  return selectPolicy === "Disabled" ? current : by[selectPolicy === "Min" ? "Min" : "Max"](...limits);
}

/** How many replicas there were when the period began. */
function periodStart(current: number, { ups, downs }: History, seconds: number, nowMs: number): number {
  return current - changed(ups, seconds, nowMs) + changed(downs, seconds, nowMs);
}

function changed(changes: readonly ScaleChange[], seconds: number, nowMs: number): number {
  let sum = 0;
  for (const { change, atMs } of changes) if (atMs > nowMs - seconds * 1000) sum += change;
  return sum;
}

/** The history after the target was scaled; only what a policy can still ask about is kept. */
export function afterScaling(
  history: History,
  behavior: Behavior | undefined,
  { from, to }: { readonly from: number; readonly to: number },
  nowMs: number,
): History {
  if (behavior === undefined) return history;
  const grows = to > from;
  const rules = grows ? behavior.scaleUp : behavior.scaleDown;
  const longestMs = Math.max(0, ...(rules?.policies ?? []).map(({ periodSeconds }) => periodSeconds)) * 1000;
  const before = grows ? history.ups : history.downs;
  const changes = [
    ...before.filter(({ atMs }) => atMs >= nowMs - longestMs),
    { change: Math.abs(to - from), atMs: nowMs },
  ];
  return grows ? { ...history, ups: changes } : { ...history, downs: changes };
}
