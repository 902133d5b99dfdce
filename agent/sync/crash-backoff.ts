import type { Pod } from "../../client/types.ts";

/** The wait before a container that ended is started again: none the first time, then 10 s doubling to 5 min; forgotten
 *  after it has run for twice the longest wait. One object per pod; keys are container names. Semantics: kubelet's
 *  `doBackOff` over client-go's `flowcontrol.Backoff`. */
export interface BackoffEntry {
  readonly delayMs: number;
  readonly updatedMs: number;
}

export const crashBackoff = { firstMs: 10_000, mostMs: 300_000, forgetMs: 600_000 } as const;

/** Wall time until which a container that ended at `finishedMs` waits; undefined when it may start now. */
export function backoffUntil(
  entry: BackoffEntry | undefined,
  finishedMs: number,
  nowMs: number,
): number | undefined {
  if (entry === undefined || finishedMs - entry.updatedMs > crashBackoff.forgetMs) return undefined;
  const untilMs = finishedMs + entry.delayMs;
  return nowMs < untilMs ? untilMs : undefined;
}

/** The entry after a start at `nowMs` that followed an end at `finishedMs`. */
export function afterRestart(
  entry: BackoffEntry | undefined,
  finishedMs: number,
  nowMs: number,
): BackoffEntry {
  const fresh = entry === undefined || finishedMs - entry.updatedMs > crashBackoff.forgetMs;
  const delayMs = fresh ? crashBackoff.firstMs : Math.min(entry.delayMs * 2, crashBackoff.mostMs);
  return { delayMs, updatedMs: nowMs };
}

/** What the status of a container that waits tells, as the kubelet words it. */
export function backOffMessage({ metadata }: Pod, container: string, delayMs: number): string {
  const { name, namespace, uid } = metadata;
  return `back-off ${goDuration(delayMs)} restarting failed container=${container} pod=${name}_${namespace}(${uid})`;
}

/** `10s`, `1m20s`, `5m0s`, as Go prints durations. */
function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
