import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";
import { Slabs } from "../../base/slabs.ts";
import {
  type InternalRaftRequest,
  type InternalRaftRequestParts,
  internalRaftRequest,
} from "../../proto/etcd.ts";
import type { AppliedListener, ApplyResponse, ApplyResult } from "../apply/types.ts";
import type { Consensus, ConsensusStatus, DroppedProposal } from "../driver/seams.ts";
import { StoreError, type StoreErrorCode } from "../errors.ts";
import type { ConfChange, Index, Term } from "../raft/types.ts";
import type { RequestIds } from "./request-ids.ts";
import { Waiters } from "./waiters.ts";

export const proposeLimits = {
  /** Entries committed but not applied beyond which requests are refused (etcd's maxGapBetweenApplyAndCommitIndex). */
  applyGapMax: 5_000,
  /** Requests kept while there is no leader. */
  leaderlessMax: 5_000,
} as const;

/** How long a request may take: time for an election on top of etcd's 5 s. */
export const requestTimeoutMs = (electionTimeoutMs: number): number => 5_000 + 2 * electionTimeoutMs;

export interface ProposerConfig {
  readonly maxRequestBytes: number;
  readonly electionTimeoutMs: number;
}

export interface Applied {
  readonly response: ApplyResponse;
  readonly revision: number;
  readonly index: Index;
}

export const proposeMetrics = (meter: Meter, pending: () => number) => {
  meter.observed("etcd_server_proposals_pending", "The current number of pending proposals.", pending);
  return {
    failed: meter.counter("etcd_server_proposals_failed_total", "The total number of failed proposals seen."),
  };
};

/** Bugs that simulation plants, by name, to prove that its checkers find them. Production never sets one. */
export interface ProposeFaults {
  /** Calls lost whatever an earlier leader had in hand, before it is known what the new one saved of it. */
  readonly callLostTooSoon?: true;
}

/** A request whose outcome is awaited. */
interface Pending {
  readonly attempt: Attempt;
  readonly fail: (error: Error) => void;
  /** The term in which it was handed over: it enters the log in that term or never. Undefined while there is no leader. */
  term: Term | undefined;
  /** This member got a snapshot meanwhile, which may hold the effect without telling. */
  isUncertain: boolean;
}

type Attempt = () =>
  | ReturnType<Consensus["propose"]>
  | ReturnType<Consensus["proposeConfChange"]>
  | "outdated";
type Kind = Exclude<keyof InternalRaftRequest, "header">;

/** What is told of a proposal that was not accepted. */
const refusals = {
  outdated: "LEADER_CHANGED",
  dropped: "PROPOSAL_DROPPED",
  tooMany: "TOO_MANY_REQUESTS",
  pending: "TOO_MANY_REQUESTS",
} as const satisfies Record<string, StoreErrorCode>;

/** Entries stay in memory for followers that lag, and go in their order. */
const entrySlabs = new Slabs();

/** Puts requests into the log, each at most once, and waits until this member has applied them. What a lost leader took with it
 *  is not proposed again: whoever asked is told, and knows whether asking again is right. */
export class Proposer {
  readonly #config: ProposerConfig;
  readonly #consensus: Consensus;
  readonly #clock: Clock;
  readonly #ids: RequestIds;
  readonly #room: () => Promise<void> | undefined;
  readonly #waiters: Waiters<{ readonly result: ApplyResult; readonly index: Index }>;
  readonly #confWaiters: Waiters<void>;
  readonly #failed: { inc(): void };
  readonly #stopListening: readonly (() => void)[];
  readonly #caughtUp: () => Promise<void>;
  readonly #faults: ProposeFaults;
  #leaderTerm: Term = 0;
  #leaderSinceMs = Number.NEGATIVE_INFINITY;
  readonly #pending = new Map<bigint, Pending>();
  #leaderless = 0;

  constructor(
    config: ProposerConfig,
    parts: {
      readonly consensus: Consensus;
      readonly clock: Clock;
      readonly ids: RequestIds;
      readonly meter: Meter;
      /** Resolves when this member has applied all that was committed when it was asked, and rejects without a leader. */
      readonly caughtUp: () => Promise<void>;
      /** Undefined while the state has room for more effects; else resolves when it has. */
      readonly room?: () => Promise<void> | undefined;
      readonly faults?: ProposeFaults;
    },
  ) {
    this.#faults = parts.faults ?? {};
    this.#caughtUp = parts.caughtUp;
    this.#room = parts.room ?? (() => undefined);
    this.#config = config;
    this.#consensus = parts.consensus;
    this.#clock = parts.clock;
    this.#ids = parts.ids;
    const timeoutMs = this.requestTimeoutMs;
    this.#waiters = new Waiters(parts.clock, timeoutMs, (sinceMs) => this.#timeout(sinceMs));
    this.#confWaiters = new Waiters(parts.clock, timeoutMs, (sinceMs) => this.#timeout(sinceMs));
    this.#failed = proposeMetrics(parts.meter, () => this.#waiters.size).failed;
    this.#stopListening = [
      parts.consensus.onLeadership((status) => this.#onLeadership(status)),
      parts.consensus.onDropped((dropped) => this.#onDropped(dropped)),
    ];
  }

  get requestTimeoutMs(): number {
    return requestTimeoutMs(this.#config.electionTimeoutMs);
  }

  nextId(): bigint {
    return this.#ids.next();
  }

  /** Tells who waits; to be called for every applied entry. */
  readonly applied: AppliedListener = (requestId, result, index) => {
    this.#waiters.settle(requestId, { result, index });
  };

  /** To be called for every membership change that came out of the log, with the reason when it was void. */
  confChangeApplied(id: bigint, refused: StoreError | undefined): void {
    if (refused === undefined) this.#confWaiters.settle(id, undefined);
    else this.#confWaiters.fail(id, refused);
  }

  /** `body` is the request as it came off the wire, or its parts. `onlyIn`: what the request rests on holds in this term
   *  alone. Throws StoreError, the request's own included. */
  async propose<K extends Kind>(
    kind: K,
    body: Uint8Array | InternalRaftRequestParts[K],
    onlyIn?: Term,
  ): Promise<Applied> {
    this.#checkGap();
    const full = this.#room();
    if (full !== undefined) await full;
    const id = this.#ids.next();
    const data = internalRaftRequest.encode({ header: { id }, [kind]: body }, entrySlabs.take);
    if (data.length > this.#config.maxRequestBytes) throw new StoreError("REQUEST_TOO_LARGE");
    const { result, index } = await this.#handAndWait(id, this.#waiters, () =>
      onlyIn === undefined || onlyIn === this.#consensus.status.term
        ? this.#consensus.propose(data)
        : "outdated",
    );
    if (!result.ok) throw result.error;
    return { response: result.response, revision: result.revision, index };
  }

  /** Resolves when this member has applied the change. */
  async proposeConfChange(change: Omit<ConfChange, "id">): Promise<void> {
    const id = this.#ids.next();
    await this.#handAndWait(id, this.#confWaiters, () =>
      this.#consensus.proposeConfChange({ ...change, id }),
    );
  }

  /** To be called before a snapshot is taken in: what it holds is applied without anybody being told. */
  missOutcomes(): void {
    for (const pending of this.#pending.values()) if (pending.term !== undefined) pending.isUncertain = true;
  }

  stop(): void {
    for (const stopListening of this.#stopListening) stopListening();
    this.#pending.clear();
    this.#leaderless = 0;
    this.#waiters.stop(new StoreError("STOPPED"));
    this.#confWaiters.stop(new StoreError("STOPPED"));
  }

  #checkGap(): void {
    const { committed, applied } = this.#consensus.status;
    if (committed - applied > proposeLimits.applyGapMax) throw new StoreError("TOO_MANY_REQUESTS");
  }

  async #handAndWait<T>(id: bigint, waiters: Waiters<T>, attempt: Attempt): Promise<T> {
    const answer = waiters.wait(id);
    const fail = (error: Error) => waiters.fail(id, error);
    const pending: Pending = { attempt, fail, term: undefined, isUncertain: false };
    this.#pending.set(id, pending);
    this.#leaderless += 1;
    this.#hand(pending);
    try {
      return await answer;
    } catch (error) {
      this.#failed.inc();
      throw error;
    } finally {
      if (this.#pending.delete(id) && pending.term === undefined) this.#leaderless -= 1;
    }
  }

  /** Hands over now, or as soon as there is a leader; the waiter's timeout ends the wait. */
  #hand(pending: Pending): void {
    const outcome = pending.attempt();
    if (outcome === "noLeader") {
      if (this.#leaderless > proposeLimits.leaderlessMax) pending.fail(new StoreError("NO_LEADER"));
    } else if (outcome === "accepted") {
      if (pending.term === undefined) this.#leaderless -= 1;
      pending.term = this.#consensus.status.term;
    } else pending.fail(new StoreError(refusals[outcome]));
  }

  /** A leader that hands over takes nothing, nor does it later take what it was sent meanwhile. */
  #onDropped(dropped: DroppedProposal): void {
    const error = new StoreError("PROPOSAL_DROPPED");
    if (dropped.type === "confChange") this.#confWaiters.fail(dropped.id, error);
    else this.#waiters.fail(internalRaftRequest.decode(dropped.data).header?.id ?? 0n, error);
  }

  #onLeadership({ leader, term }: ConsensusStatus): void {
    if (leader === 0n) return;
    for (const pending of this.#pending.values()) if (pending.term === undefined) this.#hand(pending);
    if (term === this.#leaderTerm) return;
    this.#leaderTerm = term;
    this.#leaderSinceMs = this.#clock.monotonicMs();
    if (this.#isAnyBefore(term)) this.#failLost(term);
  }

  #isAnyBefore(term: Term): boolean {
    for (const pending of this.#pending.values())
      if (pending.term !== undefined && pending.term < term) return true;
    return false;
  }

  /** What an earlier leader had in hand was either saved by the leader of `term`, and then is applied with the first entry of
   *  that term, or it is lost for good: nothing of an earlier term can enter the log any more. LEADER_CHANGED says the second. */
  #failLost(term: Term): void {
    const caughtUp = this.#faults.callLostTooSoon ? Promise.resolve() : this.#caughtUp();
    caughtUp.then(
      () => {
        for (const pending of this.#pending.values())
          if (pending.term !== undefined && pending.term < term)
            pending.fail(new StoreError(pending.isUncertain ? "TIMEOUT_LEADER_FAIL" : "LEADER_CHANGED"));
      },
      () => undefined, // no leader again: the next one brings us back here, or the timeout ends the wait
    );
  }

  #timeout(sinceMs: number): StoreError {
    const lostMs = this.#leaderSinceMs - 2 * this.#config.electionTimeoutMs;
    const { leader } = this.#consensus.status;
    const leaderFailed = leader !== 0n && sinceMs > lostMs && sinceMs < this.#leaderSinceMs;
    return new StoreError(leaderFailed ? "TIMEOUT_LEADER_FAIL" : "TIMEOUT");
  }
}
