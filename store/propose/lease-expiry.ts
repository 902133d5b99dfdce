import type { Clock } from "../../base/os/clock.ts";
import type { Log } from "../../base/os/log.ts";
import type { Meter } from "../../base/os/metrics.ts";
import type { Requester } from "../auth/auth-state.ts";
import type { Consensus, ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { Checkpoint } from "../lease/lessor.ts";
import type { Term } from "../raft/types.ts";
import type { Checkpointing } from "./lease-desk.ts";

export const expiryLimits = {
  /** How often the leader looks for leases that ran out. */
  lookEveryMs: 500,
  /** Revocations under way at once, each followed by the next when it has taken effect: many leases go as fast as the log
   *  takes them, and never fill it. etcd begins 1000 a second. */
  underWayMax: 64,
  /** Checkpoints in an entry of the log. One entry is under way at a time. */
  checkpointsMax: 1_000,
} as const;

/** What the loop needs of the lessor. */
export interface ExpiringLeases {
  promote(nowMs: number, extendMs: number): void;
  demote(): void;
  /** Leases that ran out; each is told again after a while until it is revoked. */
  expired(nowMs: number, limit: number): readonly bigint[];
  /** Leases whose time left is to be told now. */
  dueCheckpoints(nowMs: number, limit: number): readonly Checkpoint[];
}

/** What the loop needs of the proposer. */
export interface Revoking {
  propose(
    kind: "leaseRevoke",
    body: { readonly id: bigint },
    options: { readonly by: Requester | undefined; readonly onlyIn: Term },
  ): Promise<unknown>;
}

/** While this member leads, revokes through the log what ran out, and tells there how much time leases have left that ask for it.
 *  The lessor runs only on the leader; every new one gives all leases the time of their last checkpoint, else their whole time,
 *  once it has applied the first entry of its term, and with it every checkpoint and renewal that another leader has answered. */
export class LeaseExpiry {
  readonly #leases: ExpiringLeases;
  readonly #proposer: Revoking & Checkpointing;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #expired: { inc(): void };
  readonly #electionTimeoutMs: number;
  readonly #asRoot: () => Requester | undefined;
  readonly #appliedTerm: () => Term;
  readonly #stopListening: () => void;
  /** In which this member leads; 0: in none. */
  #leadingTerm: Term = 0;
  #primaryTerm: Term = 0;
  #stopTimer: (() => void) | undefined;
  #underWay = 0;
  #isCheckpointing = false;

  constructor(
    options: { readonly electionTimeoutMs: number },
    parts: {
      readonly leases: ExpiringLeases;
      readonly proposer: Revoking & Checkpointing;
      readonly consensus: Pick<Consensus, "status" | "onLeadership">;
      readonly clock: Clock;
      readonly log: Log;
      /** In whose name leases are revoked, where authentication is on. */
      readonly asRoot: () => Requester | undefined;
      /** The term of the last entry that was applied. */
      readonly appliedTerm: () => Term;
      readonly meter: Meter;
    },
  ) {
    this.#electionTimeoutMs = options.electionTimeoutMs;
    this.#leases = parts.leases;
    this.#proposer = parts.proposer;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#asRoot = parts.asRoot;
    this.#appliedTerm = parts.appliedTerm;
    this.#expired = parts.meter.counter(
      "etcd_debugging_server_lease_expired_total",
      "The total number of expired leases.",
    );
    this.#stopListening = parts.consensus.onLeadership((status) => this.#changed(status));
    this.#changed(parts.consensus.status);
  }

  stop(): void {
    this.#stopListening();
    this.#leadingTerm = 0;
    this.#demote();
  }

  /** To be told when the first entry of a term was applied. */
  termApplied(term: Term): void {
    if (term !== this.#leadingTerm || term === this.#primaryTerm) return;
    this.#primaryTerm = term;
    this.#leases.promote(this.#clock.monotonicMs(), this.#electionTimeoutMs);
    this.#lookLater();
  }

  #changed({ role, term }: Pick<ConsensusStatus, "role" | "term">): void {
    const leadingTerm = role === "leader" ? term : 0;
    if (leadingTerm === this.#leadingTerm) return;
    this.#demote();
    this.#leadingTerm = leadingTerm;
    this.termApplied(this.#appliedTerm());
  }

  #demote(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#primaryTerm === 0) return;
    this.#primaryTerm = 0;
    this.#leases.demote();
  }

  #look(): void {
    this.#revokeMore();
    if (!this.#isCheckpointing) void this.#checkpoint();
    this.#lookLater();
  }

  #lookLater(): void {
    this.#stopTimer = this.#clock.after(expiryLimits.lookEveryMs, () => this.#look());
  }

  #revokeMore(): void {
    const free = expiryLimits.underWayMax - this.#underWay;
    if (free <= 0) return;
    for (const id of this.#leases.expired(this.#clock.monotonicMs(), free)) {
      this.#underWay += 1;
      void this.#revoke(id);
    }
  }

  /** Never rejects. What failed is told anew with the next checkpoint of the lease. */
  async #checkpoint(): Promise<void> {
    this.#isCheckpointing = true;
    try {
      for (;;) {
        const onlyIn = this.#primaryTerm;
        const checkpoints = this.#leases.dueCheckpoints(
          this.#clock.monotonicMs(),
          expiryLimits.checkpointsMax,
        );
        if (checkpoints.length === 0) break;
        // The next leader starts from the last checkpoints, so one of this term must not outlive it.
        await this.#proposer.propose("leaseCheckpoint", { checkpoints }, { by: this.#asRoot(), onlyIn });
      }
    } catch (error) {
      this.#log.warn("failed to checkpoint leases", { error });
    }
    this.#isCheckpointing = false;
  }

  /** Never rejects. What failed is told again by the lessor, and the rest waits for the next look. */
  async #revoke(id: bigint): Promise<void> {
    let hasGone = true;
    try {
      // The next leader gives every lease its full time again, so a revocation of this one must not outlive its term.
      await this.#proposer.propose("leaseRevoke", { id }, { by: this.#asRoot(), onlyIn: this.#primaryTerm });
      this.#expired.inc();
      this.#log.debug("revoked expired lease", { "lease-id": id });
    } catch (error) {
      hasGone = error instanceof StoreError && error.code === "LEASE_NOT_FOUND";
      if (!hasGone) this.#log.warn("failed to revoke lease", { "lease-id": id, error });
    }
    this.#underWay -= 1;
    if (hasGone) this.#revokeMore();
  }
}
