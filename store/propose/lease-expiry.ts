import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Consensus, ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { Proposer } from "./proposer.ts";

export const expiryLimits = {
  /** How often the leader looks for leases that ran out. */
  lookEveryMs: 500,
  /** Revocations begun per look: 1000 a second, as in etcd. */
  revokesPerLook: 500,
  /** Revocations under way at once. */
  underWayMax: 16,
} as const;

/** What the loop needs of the lessor. */
export interface ExpiringLeases {
  promote(nowMs: number, extendMs: number): void;
  demote(): void;
  /** Leases that ran out; each is told again after a while until it is revoked. */
  expired(nowMs: number, limit: number): readonly bigint[];
}

/** While this member leads, revokes through the log what ran out. The lessor runs only on the leader; every new one gives
 *  all leases their whole time again. */
export class LeaseExpiry {
  readonly #leases: ExpiringLeases;
  readonly #proposer: Pick<Proposer, "propose">;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #electionTimeoutMs: number;
  readonly #stopListening: () => void;
  #primaryTerm = 0;
  #stopTimer: (() => void) | undefined;
  #waiting: bigint[] = [];
  #underWay = 0;

  constructor(
    options: { readonly electionTimeoutMs: number },
    parts: {
      readonly leases: ExpiringLeases;
      readonly proposer: Pick<Proposer, "propose">;
      readonly consensus: Pick<Consensus, "status" | "onLeadership">;
      readonly clock: Clock;
      readonly log: Log;
    },
  ) {
    this.#electionTimeoutMs = options.electionTimeoutMs;
    this.#leases = parts.leases;
    this.#proposer = parts.proposer;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#stopListening = parts.consensus.onLeadership((status) => this.#changed(status));
    this.#changed(parts.consensus.status);
  }

  stop(): void {
    this.#stopListening();
    this.#demote();
  }

  #changed({ role, term }: Pick<ConsensusStatus, "role" | "term">): void {
    if (role !== "leader") this.#demote();
    else if (term !== this.#primaryTerm) {
      this.#demote();
      this.#primaryTerm = term;
      this.#leases.promote(this.#clock.monotonicMs(), this.#electionTimeoutMs);
      this.#look();
    }
  }

  #demote(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#waiting = [];
    if (this.#primaryTerm === 0) return;
    this.#primaryTerm = 0;
    this.#leases.demote();
  }

  #look(): void {
    if (this.#waiting.length === 0)
      this.#waiting = [...this.#leases.expired(this.#clock.monotonicMs(), expiryLimits.revokesPerLook)];
    this.#revokeMore();
    this.#stopTimer = this.#clock.after(expiryLimits.lookEveryMs, () => this.#look());
  }

  #revokeMore(): void {
    while (this.#underWay < expiryLimits.underWayMax) {
      const id = this.#waiting.shift();
      if (id === undefined) return;
      this.#underWay += 1;
      this.#revoke(id).finally(() => {
        this.#underWay -= 1;
        this.#revokeMore();
      });
    }
  }

  /** Never rejects: what failed is told again by the lessor. */
  async #revoke(id: bigint): Promise<void> {
    try {
      // The next leader gives every lease its full time again, so a revocation of this one must not outlive its term.
      await this.#proposer.propose("leaseRevoke", { id }, this.#primaryTerm);
      this.#log.debug("revoked expired lease", { "lease-id": id });
    } catch (error) {
      const gone = error instanceof StoreError && error.code === "LEASE_NOT_FOUND";
      if (!gone) this.#log.warn("failed to revoke lease", { "lease-id": id, error });
    }
  }
}
