import type { Pod } from "../../client/types.ts";
import { systemCriticalPriority } from "../eviction/critical-pods.ts";

/** How long pods of this priority and above have to end, up to the next one's. */
export interface ShutdownPeriod {
  readonly priority: number;
  readonly seconds: number;
}

/** Pods that end together. */
export interface ShutdownRound {
  readonly seconds: number;
  readonly pods: readonly Pod[];
}

/** How long all pods have to end as their node goes down, and critical ones for themselves, at the end of that. */
export interface ShutdownTime {
  readonly seconds: number;
  readonly criticalSeconds: number;
}

/** The last of the time is the critical pods' alone. */
export function shutdownPeriods({ seconds, criticalSeconds }: ShutdownTime): readonly ShutdownPeriod[] {
  return [
    { priority: 0, seconds: seconds - criticalSeconds },
    { priority: systemCriticalPriority, seconds: criticalSeconds },
  ];
}

/** Who ends when as the node shuts down: the least important first; rounds without pods are left out. What is less than all
 *  periods' priorities ends with the first. Pure.
 *  @param periods By priority, the lowest first. */
export function shutdownRounds(
  periods: readonly ShutdownPeriod[],
  pods: readonly Pod[],
): readonly ShutdownRound[] {
  const periodOf = ({ spec: { priority = 0 } }: Pod) =>
    Math.max(
      0,
      periods.findLastIndex((period) => period.priority <= priority),
    );
  return periods
    .map(({ seconds }, index) => ({ seconds, pods: pods.filter((pod) => periodOf(pod) === index) }))
    .filter((round) => round.pods.length > 0);
}

/** A pod that asks for less than its round has gets no more. */
export const shutdownGraceSeconds = ({ spec }: Pod, seconds: number): number =>
  Math.min(seconds, spec.terminationGracePeriodSeconds ?? seconds);
