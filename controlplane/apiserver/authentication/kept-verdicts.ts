import { createHmac } from "node:crypto";
import { ExpiringMap } from "../../../base/expiring-map.ts";
import type { Clock } from "../../../base/os/clock.ts";
import type { Meter } from "../../../base/os/metrics.ts";
import { type Random, randomBytes } from "../../../base/os/random.ts";
import type { Audiences, Authenticated, TokenAuthenticator } from "./authenticator.ts";

/** How long a verdict on a token is used again; 0: not at all. */
export interface KeepMs {
  readonly known: number;
  readonly unknown: number;
}

const verdictsMax = 16_384;

export const keptVerdictMetrics = (meter: Meter) => ({
  seconds: meter.buckets<"status">(
    "authentication_token_cache_request_duration_seconds",
    "[ALPHA] ",
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  ),
  requests: meter.tally<"status">("authentication_token_cache_request_total", "[ALPHA] "),
  fetches: meter.tally<"status">("authentication_token_cache_fetch_total", "[ALPHA] "),
  active: meter.standing<"status">("authentication_token_cache_active_fetch_count", "[ALPHA] "),
});
export type KeptVerdictMetrics = ReturnType<typeof keptVerdictMetrics>;

/** Judges a token once and uses the verdict again while it holds (`Authenticated.holdsAt`), for as long as `keepMs` says at the
 *  most. Those who show the same token at once wait for one verdict. A failure is not kept. Of a token only a digest is kept,
 *  made with a key that nobody else has. */
export function keptVerdicts(
  authenticate: TokenAuthenticator,
  keepMs: KeepMs,
  deps: { readonly clock: Clock; readonly random: Random; readonly metrics: KeptVerdictMetrics },
): TokenAuthenticator {
  const { clock, metrics } = deps;
  const digestKey = randomBytes(deps.random, 32);
  const kept = new ExpiringMap<Verdict>(clock, verdictsMax);
  const underWay = new Map<string, Promise<Authenticated | undefined>>();
  const tell = countersOf(metrics);
  const judge = async (digest: string, token: string, audiences: Audiences | undefined) => {
    tell.inFlight.count++;
    try {
      const found = await authenticate(token, audiences);
      kept.put(digest, { found }, found === undefined ? keepMs.unknown : keepMs.known);
      tell.fetched.count++;
      return found;
    } catch (error) {
      tell.failed.count++;
      throw error;
    } finally {
      tell.inFlight.count--;
      underWay.delete(digest);
    }
  };
  return async (token, audiences) => {
    const begunMs = clock.monotonicMs();
    const digest = createHmac("sha256", digestKey)
      .update(JSON.stringify([token, audiences]))
      .digest("base64");
    const verdict = heldVerdict(kept, digest, clock.wallMs());
    if (verdict !== undefined) {
      tell.hit(clock.monotonicMs() - begunMs);
      return verdict.found;
    }
    const judged = underWay.get(digest) ?? judge(digest, token, audiences);
    underWay.set(digest, judged);
    tell.blocked.count++;
    try {
      return await judged;
    } finally {
      tell.blocked.count--;
      tell.miss(clock.monotonicMs() - begunMs);
    }
  };
}

/** Present: there is a verdict, be it that nobody is known by the token. */
interface Verdict {
  readonly found: Authenticated | undefined;
}

function heldVerdict(kept: ExpiringMap<Verdict>, digest: string, nowMs: number): Verdict | undefined {
  const verdict = kept.get(digest);
  if (verdict?.found?.holdsAt?.(nowMs) ?? true) return verdict;
  kept.delete(digest);
  return undefined;
}

function countersOf({ seconds, requests, fetches, active }: KeptVerdictMetrics) {
  const counting = (status: "hit" | "miss") => {
    const [total, durations] = [requests.of({ status }), seconds.of({ status })];
    return (tookMs: number) => {
      total.count++;
      durations.observe(tookMs / 1000);
    };
  };
  return {
    hit: counting("hit"),
    miss: counting("miss"),
    fetched: fetches.of({ status: "ok" }),
    failed: fetches.of({ status: "error" }),
    inFlight: active.of({ status: "in_flight" }),
    blocked: active.of({ status: "blocked" }),
  };
}
