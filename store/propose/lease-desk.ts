import { failpoint } from "../../base/failpoints/failpoint.ts";
import type { Clock } from "../../base/os/clock.ts";
import { bytes, int64, message, repeated } from "../../base/protobuf.ts";
import { latin1Bytes } from "../../base/wire.ts";
import type { StateReader } from "../apply/types.ts";
import type { Requester } from "../auth/auth-state.ts";
import type { Consensus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { Checkpoint } from "../lease/lessor.ts";
import type { Index, MemberId, Term } from "../raft/types.ts";
import { knownLeader, leaderChange } from "./known-leader.ts";

/** What the desk needs of the lessor. */
export interface LocalLeases {
  exists(id: bigint): boolean;
  renew(id: bigint, nowMs: number): { readonly ttl: number } | "notPrimary" | "gone";
  checkpointsToTakeBack(id: bigint): number | undefined;
  tookBack(id: bigint, checkpoints: number): void;
  timeToLive(
    id: bigint,
    nowMs: number,
  ): { readonly grantedTtl: number; readonly ttl: number; readonly keys: readonly string[] } | undefined;
  list(): readonly bigint[];
}

/** What the desk and the expiry need of the proposer. */
export interface Checkpointing {
  propose(
    kind: "leaseCheckpoint",
    body: { readonly checkpoints: readonly Checkpoint[] },
    options: { readonly by: Requester | undefined; readonly onlyIn?: Term },
  ): Promise<unknown>;
}

export interface LeaseAnswer {
  readonly ttlSeconds: number;
  readonly grantedTtlSeconds: number;
  readonly keys: readonly Uint8Array[];
}
const answerTable = message({
  ttlSeconds: int64(1),
  grantedTtlSeconds: int64(2),
  keys: repeated(bytes(3)),
});

export interface LeaseDeskParts {
  readonly memberId: MemberId;
  readonly leases: LocalLeases;
  readonly consensus: Pick<Consensus, "status" | "readIndex" | "onLeadership">;
  readonly state: Pick<StateReader, "appliedIndex" | "waitApplied">;
  readonly clock: Clock;
  readonly proposer: Checkpointing & { readonly requestTimeoutMs: number };
  /** In whose name checkpoints are made, where authentication is on. */
  readonly asRoot: () => Requester | undefined;
  /** Asks another member; rejects with the StoreError it answered. */
  readonly ask: (member: MemberId, kind: string, id: bigint, withinMs: number) => Promise<Uint8Array>;
}

const beforeAnswer = failpoint("beforeServeHTTPLeaseRenew");
const beforeCheckpoint = failpoint("beforeCheckpointInLeaseRenew");
const beforeLookup = failpoint("beforeLookupWhenLeaseTimeToLive");
const beforeForwardedLookup = failpoint("beforeLookupWhenForwardLeaseTimeToLive");

/** How long the leader may take to apply what is committed, beyond which nothing is told of a lease (etcd's applyTimeout). A lease
 *  that is known is renewed in the end, if a request may take so long. */
const applyTimeoutMs = 1_000;

/** Renewals and times to live: only the leader knows them, so everybody else asks it, and waits for one as long as a request may
 *  take. */
export class LeaseDesk {
  readonly #parts: LeaseDeskParts;

  constructor(parts: LeaseDeskParts) {
    this.#parts = parts;
  }

  /** `check` may throw, and then nothing is renewed: on the leader it is asked when all is applied that was committed, elsewhere
   *  before the leader is asked. Rejects with LEASE_NOT_FOUND; NO_LEADER, TIMEOUT_WAIT_APPLIED_INDEX and the like when nobody can
   *  tell. */
  async renew(id: bigint, check?: () => void): Promise<number> {
    const outcome = await this.#asLeader("renew", id, check);
    return outcome.ttlSeconds;
  }

  async timeToLive(id: bigint, withKeys: boolean): Promise<LeaseAnswer> {
    return this.#asLeader(withKeys ? "timeToLive.keys" : "timeToLive", id);
  }

  ids(): readonly bigint[] {
    return this.#parts.leases.list();
  }

  /** Answers a member that is not the leader; never forwards again. */
  async answer(kind: string, id: bigint): Promise<Uint8Array> {
    const { consensus, memberId } = this.#parts;
    const point = kind === "renew" ? beforeAnswer : beforeForwardedLookup;
    if (point.armed) await point.pass();
    if (consensus.status.leader !== memberId) throw new StoreError("NOT_LEADER");
    return answerTable.encode(await this.#local(kind, id));
  }

  async #asLeader(kind: string, id: bigint, check?: () => void): Promise<LeaseAnswer> {
    const { consensus, memberId, ask, clock, proposer } = this.#parts;
    if (kind !== "renew" && beforeLookup.armed) await beforeLookup.pass();
    const untilMs = clock.monotonicMs() + proposer.requestTimeoutMs;
    for (;;) {
      const known = consensus.status.leader;
      const leader = known === 0n ? await knownLeader(this.#parts, untilMs) : known;
      if (leader === memberId) return this.#local(kind, id, check);
      const { term } = consensus.status;
      check?.();
      try {
        return answerTable.decode(await ask(leader, kind, id, untilMs - clock.monotonicMs()));
      } catch (error) {
        const isOutdated = error instanceof StoreError && error.code === "NOT_LEADER";
        if (!isOutdated) throw error;
        await leaderChange(this.#parts, untilMs, { leader, term });
      }
    }
  }

  async #local(kind: string, id: bigint, check?: () => void): Promise<LeaseAnswer> {
    // A leader that was replaced without noticing must not promise time, and one that is new must have applied all.
    const { consensus, leases, clock, proposer } = this.#parts;
    const index = await consensus.readIndex();
    const isKnown = kind === "renew" && leases.exists(id);
    await this.#applied(index, isKnown ? proposer.requestTimeoutMs : applyTimeoutMs);
    if (kind === "renew" && beforeCheckpoint.armed) await beforeCheckpoint.pass();
    check?.();
    if (kind === "renew" && leases.checkpointsToTakeBack(id) !== undefined) {
      await this.#takeBackCheckpoints(id);
      check?.();
    }
    const nowMs = clock.monotonicMs();
    if (kind === "renew") {
      const renewed = leases.renew(id, nowMs);
      if (renewed === "gone") throw new StoreError("LEASE_NOT_FOUND", { lease: id });
      if (renewed === "notPrimary") throw new StoreError("LEADER_CHANGED");
      return { ttlSeconds: renewed.ttl, grantedTtlSeconds: renewed.ttl, keys: [] };
    }
    const info = leases.timeToLive(id, nowMs);
    if (info === undefined) throw new StoreError("LEASE_NOT_FOUND", { lease: id });
    const keys = kind === "timeToLive.keys" ? info.keys.map(latin1Bytes) : [];
    return { ttlSeconds: info.ttl, grantedTtlSeconds: info.grantedTtl, keys };
  }

  async #applied(index: Index, withinMs: number): Promise<void> {
    const { state, clock } = this.#parts;
    if (state.appliedIndex >= index) return;
    const giveUp = new AbortController();
    const stopTimer = clock.after(withinMs, () => giveUp.abort(new StoreError("TIMEOUT_WAIT_APPLIED_INDEX")));
    await state.waitApplied(index, giveUp.signal).finally(stopTimer);
  }

  /** Anew, where others were begun meanwhile. */
  async #takeBackCheckpoints(id: bigint): Promise<void> {
    const { leases, proposer, asRoot } = this.#parts;
    for (let begun = leases.checkpointsToTakeBack(id); begun !== undefined; ) {
      const checkpoints = [{ id, remainingTtl: 0 }];
      await proposer.propose("leaseCheckpoint", { checkpoints }, { by: asRoot() });
      leases.tookBack(id, begun);
      begun = leases.checkpointsToTakeBack(id);
    }
  }
}
