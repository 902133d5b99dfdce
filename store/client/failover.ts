import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/os/clock.ts";
import type { Random } from "../../base/os/random.ts";
import type { StoreErrorCode } from "../errors.ts";
import { CallError } from "./call-error.ts";
import type { Endpoint, EndpointRing } from "./endpoints.ts";

/** Between two rounds over all endpoints. */
export const retryWait: BackoffOptions = { firstMs: 25, mostMs: 1_000 };

export interface FailoverParts {
  readonly ring: EndpointRing;
  readonly clock: Clock;
  readonly random: Random;
  /** Aborts when nothing is to be asked any more; its reason says why. */
  readonly closing?: AbortSignal | undefined;
}

export interface FailoverCall {
  /** A read may be asked twice. */
  readonly effect: "read" | "write";
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** How long an attempt may take. */
export interface AttemptTime {
  /** What is left of the call's time. */
  readonly timeoutMs: number;
  /** After so long without a connection it is the next endpoint's turn: each has its share of the time. */
  readonly connectWithinMs: number;
}

/** Runs `attempt` on the endpoint in use and, where that is safe, on the next ones until the time is up. */
export async function withFailover<T>(
  parts: FailoverParts,
  call: FailoverCall,
  attempt: (endpoint: Endpoint, time: AttemptTime) => Promise<T>,
): Promise<T> {
  const { ring, clock, closing } = parts;
  const deadlineMs = clock.monotonicMs() + call.timeoutMs;
  for (let failures = 0; ; ) {
    if (closing?.aborted) throw closedError(closing);
    const endpoint = ring.current;
    const timeoutMs = Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs()));
    const untried = ring.all.length - (failures % ring.all.length);
    try {
      return await attempt(endpoint, { timeoutMs, connectWithinMs: Math.ceil(timeoutMs / untried) });
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      if (closing?.aborted) throw error.sent ? error : closedError(closing);
      const again = mayRetry(error, call.effect);
      // Nor does the next call go to one that could not be connected to, or did not answer, within a call's time.
      if (again || !error.sent || error.status === "DEADLINE_EXCEEDED") ring.failed(endpoint);
      if (!again) throw error;
      failures += 1;
      const round = Math.floor(failures / ring.all.length);
      const waitMs = failures % ring.all.length === 0 ? backoffMs(retryWait, round, parts.random) : 0;
      if (clock.monotonicMs() + waitMs >= deadlineMs) throw error;
      if (waitMs > 0) await pause(parts, waitMs, call.signal);
    }
  }
}

/** What is answered to who asks a client that is closed. */
export const closedError = ({ reason }: AbortSignal) =>
  new CallError("UNAVAILABLE", reason instanceof Error ? reason.message : String(reason), { sent: false });

/** Rejects with the call's signal's reason; ends early where nothing is to be asked any more. */
async function pause({ clock, closing }: FailoverParts, waitMs: number, signal?: AbortSignal): Promise<void> {
  const either = [closing, signal].filter((one) => one !== undefined);
  try {
    await sleep(clock, waitMs, AbortSignal.any(either));
  } catch (error) {
    if (!closing?.aborted || signal?.aborted) throw error;
  }
}

/** What etcd and Pintle answer when a write certainly was not and will not be applied. (etcd says LEADER_CHANGED of reads only.) */
const notTaken: ReadonlySet<StoreErrorCode> = new Set(["NO_LEADER", "LEADER_CHANGED", "PROPOSAL_DROPPED"]);

/** A write is repeated only when it certainly did not enter the log, nor ever will. */
export function mayRetry(error: CallError, effect: "read" | "write"): boolean {
  if (error.code !== undefined && notTaken.has(error.code)) return true;
  return error.status === "UNAVAILABLE" && (effect === "read" || !error.sent);
}
