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
}

export interface FailoverCall {
  /** A read may be asked twice. */
  readonly effect: "read" | "write";
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs `attempt` on the endpoint in use and, where that is safe, on the next ones until the time is up. */
export async function withFailover<T>(
  parts: FailoverParts,
  call: FailoverCall,
  attempt: (endpoint: Endpoint, timeoutMs: number) => Promise<T>,
): Promise<T> {
  const { ring, clock } = parts;
  const deadlineMs = clock.monotonicMs() + call.timeoutMs;
  for (let failures = 0; ; ) {
    const endpoint = ring.current;
    try {
      return await attempt(endpoint, Math.max(1, Math.ceil(deadlineMs - clock.monotonicMs())));
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      const again = mayRetry(error, call.effect);
      // Nor to one that cannot be connected to within a call's time: the next call goes elsewhere.
      if (again || !error.sent) ring.failed(endpoint);
      if (!again) throw error;
      failures += 1;
      const round = Math.floor(failures / ring.all.length);
      const waitMs = failures % ring.all.length === 0 ? backoffMs(retryWait, round, parts.random) : 0;
      if (clock.monotonicMs() + waitMs >= deadlineMs) throw error;
      if (waitMs > 0) await sleep(clock, waitMs, call.signal);
    }
  }
}

/** What etcd and Pintle answer when a write certainly was not and will not be applied. (etcd says LEADER_CHANGED of reads only.) */
const notTaken: ReadonlySet<StoreErrorCode> = new Set(["NO_LEADER", "LEADER_CHANGED", "PROPOSAL_DROPPED"]);

/** A write is repeated only when it certainly did not enter the log, nor ever will. */
export function mayRetry(error: CallError, effect: "read" | "write"): boolean {
  if (error.code !== undefined && notTaken.has(error.code)) return true;
  return error.status === "UNAVAILABLE" && (effect === "read" || !error.sent);
}
