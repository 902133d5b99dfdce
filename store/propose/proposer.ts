import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";
import {
  type InternalRaftRequest,
  type InternalRaftRequestParts,
  internalRaftRequest,
} from "../../proto/etcd.ts";
import type { AppliedListener, ApplyResponse, ApplyResult } from "../apply/types.ts";
import type { Consensus, ConsensusStatus } from "../driver/seams.ts";
import { StoreError } from "../errors.ts";
import type { ConfChange, Index } from "../raft/types.ts";
import type { RequestIds } from "./request-ids.ts";
import { Waiters } from "./waiters.ts";

export const proposeLimits = {
  /** Entries committed but not applied beyond which requests are refused (etcd's maxGapBetweenApplyAndCommitIndex). */
  applyGapMax: 5_000,
  /** Requests kept while there is no leader. */
  leaderlessMax: 5_000,
} as const;

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

type Attempt = () => ReturnType<Consensus["propose"]> | ReturnType<Consensus["proposeConfChange"]>;
type Kind = Exclude<keyof InternalRaftRequest, "header">;

/** Puts requests into the log and waits until this member has applied them. */
export class Proposer {
  readonly #config: ProposerConfig;
  readonly #consensus: Consensus;
  readonly #clock: Clock;
  readonly #ids: RequestIds;
  readonly #room: () => Promise<void> | undefined;
  readonly #waiters: Waiters<{ readonly result: ApplyResult; readonly index: Index }>;
  readonly #confWaiters: Waiters<void>;
  readonly #failed: { inc(): void };
  readonly #stopListening: () => void;
  #leader = 0n;
  #leaderSinceMs = Number.NEGATIVE_INFINITY;
  /** Requests that found no leader, by id; each is handed over when there is one. */
  readonly #leaderless = new Map<bigint, () => void>();
  #stopTimer: (() => void) | undefined;

  constructor(
    config: ProposerConfig,
    parts: {
      readonly consensus: Consensus;
      readonly clock: Clock;
      readonly ids: RequestIds;
      readonly meter: Meter;
      /** Undefined while the state has room for more effects; else resolves when it has. */
      readonly room?: () => Promise<void> | undefined;
    },
  ) {
    this.#room = parts.room ?? (() => undefined);
    this.#config = config;
    this.#consensus = parts.consensus;
    this.#clock = parts.clock;
    this.#ids = parts.ids;
    const timeoutMs = this.requestTimeoutMs;
    this.#waiters = new Waiters(parts.clock, timeoutMs, (sinceMs) => this.#timeout(sinceMs));
    this.#confWaiters = new Waiters(parts.clock, timeoutMs, (sinceMs) => this.#timeout(sinceMs));
    this.#failed = proposeMetrics(parts.meter, () => this.#waiters.size).failed;
    this.#stopListening = parts.consensus.onLeadership((status) => this.#onLeadership(status));
  }

  /** How long a request may take: time for an election on top of etcd's 5 s. */
  get requestTimeoutMs(): number {
    return 5_000 + 2 * this.#config.electionTimeoutMs;
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

  /** `body` is the request as it came off the wire, or its parts. Throws StoreError, the request's own included. */
  async propose<K extends Kind>(kind: K, body: Uint8Array | InternalRaftRequestParts[K]): Promise<Applied> {
    this.#checkGap();
    const full = this.#room();
    if (full !== undefined) await full;
    const id = this.#ids.next();
    const data = internalRaftRequest.encode({ header: { id }, [kind]: body });
    if (data.length > this.#config.maxRequestBytes) throw new StoreError("REQUEST_TOO_LARGE");
    const { result, index } = await this.#handAndWait(id, this.#waiters, () => this.#consensus.propose(data));
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

  stop(): void {
    this.#stopListening();
    this.#stopTimer?.();
    this.#leaderless.clear();
    this.#waiters.stop(new StoreError("STOPPED"));
    this.#confWaiters.stop(new StoreError("STOPPED"));
  }

  #checkGap(): void {
    const { committed, applied } = this.#consensus.status;
    if (committed - applied > proposeLimits.applyGapMax) throw new StoreError("TOO_MANY_REQUESTS");
  }

  async #handAndWait<T>(id: bigint, waiters: Waiters<T>, attempt: Attempt): Promise<T> {
    const answer = waiters.wait(id);
    this.#hand(id, attempt, (error) => waiters.fail(id, error));
    try {
      return await answer;
    } catch (error) {
      this.#failed.inc();
      throw error;
    } finally {
      this.#leaderless.delete(id);
    }
  }

  /** Hands over now, or as soon as there is a leader; the waiter's timeout ends the wait. */
  #hand(id: bigint, attempt: Attempt, fail: (error: Error) => void): void {
    const outcome = attempt();
    if (outcome === "accepted") return;
    if (outcome !== "noLeader") fail(new StoreError("TOO_MANY_REQUESTS"));
    else if (this.#leaderless.size >= proposeLimits.leaderlessMax) fail(new StoreError("NO_LEADER"));
    else this.#leaderless.set(id, () => this.#hand(id, attempt, fail));
  }

  #onLeadership(status: ConsensusStatus): void {
    if (status.leader === this.#leader) return;
    this.#leader = status.leader;
    if (status.leader === 0n) return;
    const nowMs = this.#clock.monotonicMs();
    this.#leaderSinceMs = nowMs;
    const waiting = [...this.#leaderless.values()];
    this.#leaderless.clear();
    for (const again of waiting) again();
    // What the lost leader had in hand was either saved by the new one, and then is applied at once, or is lost. Its
    // waiters need not sit out their whole timeout; the outcome they are told is as unknown as a timeout's.
    this.#stopTimer?.();
    this.#stopTimer = this.#clock.after(this.#config.electionTimeoutMs, () => {
      this.#waiters.failOlder(nowMs, new StoreError("TIMEOUT_LEADER_FAIL"));
    });
  }

  #timeout(sinceMs: number): StoreError {
    const lostMs = this.#leaderSinceMs - 2 * this.#config.electionTimeoutMs;
    const { leader } = this.#consensus.status;
    const leaderFailed = leader !== 0n && sinceMs > lostMs && sinceMs < this.#leaderSinceMs;
    return new StoreError(leaderFailed ? "TIMEOUT_LEADER_FAIL" : "TIMEOUT");
  }
}
