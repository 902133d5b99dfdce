import type { Committed, CommittedListener, CommittedLog } from "../committed-log.ts";
import type { Report } from "../report.ts";

interface Lease {
  readonly id: bigint;
  readonly ttlMs: number;
  /** It must live until here. */
  untilMs: number;
  /** Revoked by the store itself. */
  expiredMs: number | undefined;
}

/** A lease does not expire before its time, counted from its grant and from when the last answered renewal was asked for;
 *  and left alone it does expire. */
export class Leases implements CommittedListener {
  readonly #leases = new Map<bigint, Lease>();
  readonly #minTtlS: number;
  /** How much sooner the fastest clock measures a time, as a share of it. */
  readonly #clockDrift: number;
  readonly #report: Report;

  constructor(options: { readonly minTtlS: number; readonly clockDrift: number }, report: Report) {
    this.#minTtlS = options.minTtlS;
    this.#clockDrift = options.clockDrift;
    this.#report = report;
  }

  committed({ request, answer, operation, atMs }: Committed): void {
    if (answer === undefined || "error" in answer) return;
    if (request?.leaseGrant) {
      const { id, ttl } = request.leaseGrant;
      const ttlMs = this.#shortest(Math.max(ttl, this.#minTtlS) * 1_000);
      this.#leases.set(id, { id, ttlMs, untilMs: atMs + ttlMs, expiredMs: undefined });
    }
    if (request?.leaseRevoke === undefined) return;
    const lease = this.#leases.get(request.leaseRevoke.id);
    if (lease === undefined) return;
    if (operation !== 0) {
      this.#leases.delete(lease.id);
      return;
    }
    lease.expiredMs = atMs;
    this.#check(lease);
  }

  /** A renewal asked for at `sentMs` was answered with the seconds left; 0: the lease is gone. */
  renewed(id: bigint, sentMs: number, ttlS: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined || ttlS === 0) return;
    lease.untilMs = Math.max(lease.untilMs, sentMs + this.#shortest(ttlS * 1_000));
    this.#check(lease);
  }

  /** Everybody was well for longer than any lease lasts, at least since `calmMs`. */
  finished(committed: Pick<CommittedLog, "model">, calmMs: number): void {
    for (const { id, expiredMs, untilMs } of this.#leases.values())
      if (expiredMs === undefined && untilMs < calmMs && committed.model.leases.has(id))
        this.#report(
          "leases expire",
          `lease ${id.toString(16)} should have ended by itself after ${untilMs}`,
        );
  }

  #shortest(ms: number): number {
    return ms * (1 - this.#clockDrift);
  }

  #check({ id, expiredMs, untilMs }: Lease): void {
    if (expiredMs !== undefined && expiredMs < untilMs)
      this.#report("leases live", `lease ${id.toString(16)} expired at ${expiredMs}, before ${untilMs}`);
  }
}
