import {
  type Observation,
  type Observations,
  type PressureCondition,
  pressureConditions,
  type Signal,
  signalFacts,
} from "./signals.ts";
import { amountOf, numberOf, type Threshold } from "./thresholds.ts";

/** What is remembered from one look to the next. */
export interface PressureState {
  /** Since when each threshold has been met. */
  readonly metSinceMs: ReadonlyMap<Threshold, number>;
  /** When each condition was last the case. */
  readonly lastSeenMs: ReadonlyMap<PressureCondition, number>;
  /** Those that were met for their grace period: they stay until their minimum is reclaimed. */
  readonly due: readonly Threshold[];
}

export const noPressure: PressureState = { metSinceMs: new Map(), lastSeenMs: new Map(), due: [] };

export interface PressureVerdict {
  readonly state: PressureState;
  /** What the node tells of itself. */
  readonly conditions: readonly PressureCondition[];
  /** What has to be reclaimed now, most urgent first. */
  readonly due: readonly Threshold[];
}

export interface PressureTimes {
  readonly nowMs: number;
  /** So long a condition is told after it was last the case. */
  readonly transitionMs: number;
}

/** What a look at the node says of it, by the kubelet's rules. */
export function planPressure(
  thresholds: readonly Threshold[],
  observations: Observations,
  before: PressureState,
  { nowMs, transitionMs }: PressureTimes,
): PressureVerdict {
  const met = new Set(thresholds.filter((one) => isMet(one, observations)));
  for (const one of before.due) if (isMet(one, observations, { reclaimed: true })) met.add(one);
  const metSinceMs = new Map([...met].map((one) => [one, before.metSinceMs.get(one) ?? nowMs]));
  const lastSeenMs = new Map(before.lastSeenMs);
  for (const { signal } of met) lastSeenMs.set(signalFacts[signal].condition, nowMs);
  const due = byUrgency([...met].filter((one) => nowMs - (metSinceMs.get(one) ?? nowMs) >= one.graceMs));
  const isTold = (condition: PressureCondition) => {
    const seenMs = lastSeenMs.get(condition);
    return seenMs !== undefined && (seenMs === nowMs || nowMs - seenMs < transitionMs);
  };
  return { state: { metSinceMs, lastSeenMs, due }, conditions: pressureConditions.filter(isTold), due };
}

/** Whether all is well once something was reclaimed: no threshold is met, with its minimum, whatever its grace. */
export const isRelieved = (thresholds: readonly Threshold[], observations: Observations): boolean =>
  !thresholds.some((one) => isMet(one, observations, { reclaimed: true }));

/** Whether less is left than the threshold says; `reclaimed`: than it and its minimum say together. */
export function isMet(
  { signal, value, minimumReclaim }: Threshold,
  observations: Observations,
  { reclaimed = false } = {},
): boolean {
  const observed = observations.get(signal);
  if (observed === undefined || observed.capacity === 0) return false;
  const wanted = numberOf(amountOf(value, observed.capacity));
  const more =
    reclaimed && minimumReclaim !== undefined ? numberOf(amountOf(minimumReclaim, observed.capacity)) : 0;
  return observed.available < wanted + more;
}

/** Memory first: who lacks it is killed by the kernel. */
function byUrgency(thresholds: readonly Threshold[]): readonly Threshold[] {
  const isMemory = ({ signal }: Threshold) => signalFacts[signal].resource === "memory";
  return [...thresholds.filter(isMemory), ...thresholds.filter((one) => !isMemory(one))];
}

/** What the first threshold for the same resource asked for, and what was left. */
export function thresholdMet(
  signal: Signal,
  due: readonly Threshold[],
  observations: Observations,
): { readonly threshold: Threshold; readonly observed: Observation } | undefined {
  for (const threshold of due) {
    const observed = observations.get(threshold.signal);
    const isSame = signalFacts[threshold.signal].resource === signalFacts[signal].resource;
    if (isSame && observed !== undefined) return { threshold, observed };
  }
  return undefined;
}
