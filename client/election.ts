import type { LeaseSpec } from "./types.ts";

/** Leader election as pure decisions on what was seen of a Lease. Only durations on the local monotonic clock count:
 *  the times written in the record are for people, so clocks may disagree.
 *  Safety: a leader counts its time from before it sent its last successful renewal, others from after they saw it;
 *  with renewDeadlineMs well below leaseDurationMs it steps down before anyone may take over (clocks may differ in
 *  rate by three quarters of that distance). */
export interface ElectionTimes {
  /** Others wait this long after the last change they saw. Whole seconds: the record holds no finer. */
  readonly leaseDurationMs: number;
  /** The leader gives up this long after its last successful renewal. */
  readonly renewDeadlineMs: number;
  readonly retryPeriodMs: number;
}

export const defaultElectionTimes: ElectionTimes = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};

/** Every rule the times break, worded for a person; empty when they are sound. */
export function electionTimesProblems(times: ElectionTimes): readonly string[] {
  const problems: string[] = [];
  if (times.leaseDurationMs % 1000 !== 0) problems.push("the lease duration must be whole seconds");
  if (times.leaseDurationMs <= times.renewDeadlineMs)
    problems.push("the lease duration must exceed the renew deadline");
  if (times.renewDeadlineMs <= times.retryPeriodMs * 1.2)
    problems.push("the renew deadline must exceed the retry period by more than a fifth");
  if (times.retryPeriodMs <= 0) problems.push("the retry period must be positive");
  return problems;
}

/** A lease as a candidate last saw it. */
export interface Observation {
  readonly spec: LeaseSpec;
  readonly resourceVersion: string;
  /** When the record was first seen in this state (local monotonic clock, read after the answer came). */
  readonly sinceMs: number;
}

/** Takes in what was read: the wait starts anew only when the record changed. */
export function observe(
  before: Observation | undefined,
  seen: { readonly spec: LeaseSpec; readonly resourceVersion: string },
  nowMs: number,
): Observation {
  const same = before !== undefined && before.resourceVersion === seen.resourceVersion;
  return same ? before : { ...seen, sinceMs: nowMs };
}

export type Decision =
  | { readonly action: "create" }
  /** Ours, or up for grabs: write `claim` over exactly this version. */
  | { readonly action: "write"; readonly resourceVersion: string }
  | { readonly action: "wait"; readonly holder: string };

/** What a candidate does about the lease it sees (undefined: there is none). */
export function decide(
  seen: Observation | undefined,
  identity: string,
  times: ElectionTimes,
  nowMs: number,
): Decision {
  if (seen === undefined) return { action: "create" };
  const holder = seen.spec.holderIdentity ?? "";
  const { resourceVersion } = seen;
  if (holder === "" || holder === identity) return { action: "write", resourceVersion };
  return nowMs >= expiryMs(seen, times) ? { action: "write", resourceVersion } : { action: "wait", holder };
}

/** When another's lease may be taken over, on the local monotonic clock. A holder with our duration has our times, and
 *  steps down well before its lease ends: of what lies between, a part is given to noticing and taking over, so that a
 *  leader's death costs less than its lease. Whoever has another duration is waited for in full. */
export function expiryMs(seen: Observation | undefined, times: ElectionTimes): number {
  if (seen === undefined) return 0;
  const recordedMs = (seen.spec.leaseDurationSeconds ?? 0) * 1000;
  const { leaseDurationMs } = times;
  if (recordedMs === leaseDurationMs) return seen.sinceMs + leaseDurationMs - takeoverMs(times);
  return seen.sinceMs + Math.max(recordedMs, leaseDurationMs);
}

/** For the watch's delay and the write that takes over; at most a quarter of the time between the two deadlines. */
function takeoverMs({ leaseDurationMs, renewDeadlineMs }: ElectionTimes): number {
  return Math.min(takeoverMostMs, (leaseDurationMs - renewDeadlineMs) / 4);
}
const takeoverMostMs = 500;

/** The record that takes or renews leadership. A new term counts as a transition, though the one before was ours, too: what was
 *  decided in that one can be told from what is decided now.
 *  @param isRenewal The term goes on. */
export function claim(
  seen: LeaseSpec | undefined,
  identity: string,
  times: ElectionTimes,
  { wallMs, isRenewal }: { readonly wallMs: number; readonly isRenewal: boolean },
): LeaseSpec {
  const ours = isRenewal && seen?.holderIdentity === identity;
  const now = microTime(wallMs);
  const transitions = seen?.leaseTransitions ?? 0;
  return {
    holderIdentity: identity,
    leaseDurationSeconds: times.leaseDurationMs / 1000,
    acquireTime: ours ? (seen.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: ours || seen === undefined ? transitions : transitions + 1,
  };
}

/** The record that gives leadership up: nobody's, and expired at once. */
export function release(seen: LeaseSpec, wallMs: number): LeaseSpec {
  const now = microTime(wallMs);
  return { ...seen, holderIdentity: "", leaseDurationSeconds: 1, acquireTime: now, renewTime: now };
}

/** The last moment at which a leader whose renewal was sent at `sentMs` may still act. */
export function leadsUntilMs(sentMs: number, times: ElectionTimes): number {
  return sentMs + times.renewDeadlineMs;
}

function microTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/(\.\d{3})Z$/, "$1000Z");
}
