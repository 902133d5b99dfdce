import type { Clock } from "../../base/os/clock.ts";
import type { Meter } from "../../base/os/metrics.ts";
import { Slabs } from "../../base/slabs.ts";
import { tellEach } from "../../base/tell-each.ts";
import { type InternalRaftRequestParts, internalRaftRequest } from "../../proto/etcd.ts";
import {
  encodeLoggedRequest,
  headerOf,
  type LoggedRequest,
  loggedId,
  type RequestKind,
} from "../apply/logged-request.ts";
import type { AppliedListener, ApplyResponse } from "../apply/types.ts";
import type { Requester } from "../auth/auth-state.ts";
import type { Consensus, ConsensusStatus, DroppedProposal } from "../driver/seams.ts";
import { StoreError, type StoreErrorCode } from "../errors.ts";
import type { ConfChange, Index, MemberId, Term } from "../raft/types.ts";
import type { RequestTimes } from "../request-times.ts";
import { type Outcome, Pending, type Wanted } from "./pending.ts";
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
  readonly #pending: Waiters<Pending>;
  readonly #failed: { inc(): void };
  readonly #times: RequestTimes;
  readonly #stopListening: readonly (() => void)[];
  readonly #caughtUp: () => Promise<void>;
  readonly #isConnectedFor: (leader: MemberId, ms: number) => boolean;
  readonly #faults: ProposeFaults;
  #leaderTerm: Term = 0;
  #leaderSinceMs = Number.NEGATIVE_INFINITY;
  #ended: Pending[] = [];
  /** How many of the pending wait for a leader. */
  #leaderless = 0;

  constructor(
    config: ProposerConfig,
    parts: {
      readonly consensus: Consensus;
      readonly clock: Clock;
      readonly ids: RequestIds;
      readonly meter: Meter;
      readonly times: RequestTimes;
      /** Resolves when this member has applied all that was committed when it was asked, and rejects without a leader. */
      readonly caughtUp: () => Promise<void>;
      /** Whether the connection with the leader has stood for longer than this; where this member leads, those with a majority. */
      readonly isConnectedFor: (leader: MemberId, ms: number) => boolean;
      /** Undefined while the state has room for more effects; else resolves when it has, and rejects when it never will. */
      readonly room?: () => Promise<void> | undefined;
      readonly faults?: ProposeFaults;
    },
  ) {
    this.#faults = parts.faults ?? {};
    this.#caughtUp = parts.caughtUp;
    this.#isConnectedFor = parts.isConnectedFor;
    this.#room = parts.room ?? (() => undefined);
    this.#config = config;
    this.#consensus = parts.consensus;
    this.#clock = parts.clock;
    this.#times = parts.times;
    this.#ids = parts.ids;
    this.#pending = new Waiters(parts.clock, this.requestTimeoutMs, {
      failed: (pending, error) => this.#tellFailed(pending, error),
      timeoutError: (sinceMs) => this.#timeout(sinceMs),
    });
    this.#failed = proposeMetrics(parts.meter, () => this.#pending.size).failed;
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

  /** Tells who waits, all of one turn together when it is over; to be called for every applied entry. */
  readonly applied: AppliedListener = (requestId, result, index) => {
    const pending = this.#pending.take(requestId);
    if (pending === undefined) return;
    this.#leaveLeaderless(pending);
    pending.ended = { result, index };
    this.#ended.push(pending);
    if (this.#ended.length === 1) queueMicrotask(this.#tellEnded);
  };

  readonly #tellEnded = (): void => {
    const all = this.#ended;
    this.#ended = [];
    const nowMs = this.#clock.monotonicMs();
    for (const { times, sinceMs } of all) times?.succeeded.observe((nowMs - sinceMs) / 1_000);
    tellEach(all, (pending) => pending.tell());
  };

  /** To be called for every membership change that came out of the log, with the reason when it was void. */
  confChangeApplied(id: bigint, refused: StoreError | undefined): void {
    if (refused !== undefined) {
      this.#pending.fail(id, refused);
      return;
    }
    const pending = this.#pending.take(id);
    if (pending === undefined) return;
    this.#leaveLeaderless(pending);
    pending.outcome.applied({}, 0, 0);
  }

  /** `body` is the request as it came off the wire, and `request` what it says; `by` is who asks, where authentication is on.
   *  The outcome may be told before this returns. */
  submit<K extends RequestKind>(
    kind: K,
    body: Uint8Array,
    request: Extract<LoggedRequest, { readonly kind: K }>["body"],
    outcome: Outcome,
    by?: Requester,
  ): void {
    const id = this.#ids.next();
    const content = { id, kind, body: request, by } as LoggedRequest;
    const data = encodeLoggedRequest(id, kind, body, entrySlabs.take, by);
    const refusal = this.#refusal(kind, data);
    if (refusal !== undefined) {
      outcome.failed(refusal);
      return;
    }
    this.#hand(this.#expect(id, { kind, data, content }, outcome), this.#room());
  }

  /** `body` is the request as it came off the wire, or its parts. `by`: who asks, where authentication is on; `onlyIn`: what
   *  the request rests on holds in this term alone. Throws StoreError, the request's own included. */
  async propose<K extends RequestKind>(
    kind: K,
    body: Uint8Array | InternalRaftRequestParts[K],
    { by, onlyIn }: { readonly by?: Requester | undefined; readonly onlyIn?: Term } = {},
  ): Promise<Applied> {
    const id = this.#ids.next();
    const data = internalRaftRequest.encode({ header: headerOf(id, by), [kind]: body }, entrySlabs.take);
    const refusal = this.#refusal(kind, data);
    if (refusal !== undefined) throw refusal;
    return await new Promise((resolve, failed) => {
      const outcome: Outcome = {
        applied: (response, revision, index) => resolve({ response, revision, index }),
        failed,
      };
      this.#hand(this.#expect(id, { kind, data, onlyIn }, outcome), this.#room());
    });
  }

  /** Resolves when this member has applied the change. */
  async proposeConfChange(change: Omit<ConfChange, "id">): Promise<void> {
    const id = this.#ids.next();
    await new Promise<void>((resolve, failed) => {
      const outcome: Outcome = { applied: () => resolve(), failed };
      this.#hand(this.#expect(id, { change: { ...change, id } }, outcome), undefined);
    });
  }

  /** To be called before a snapshot is taken in: what it holds is applied without anybody being told. */
  missOutcomes(): void {
    for (const pending of this.#pending.values()) if (pending.term !== undefined) pending.isUncertain = true;
  }

  stop(): void {
    for (const stopListening of this.#stopListening) stopListening();
    this.#pending.stop(new StoreError("STOPPED"));
  }

  /** Why a request may not enter the log now. */
  #refusal(kind: RequestKind, data: Uint8Array): StoreError | undefined {
    const { committed, applied } = this.#consensus.status;
    if (committed - applied > proposeLimits.applyGapMax) return new StoreError("TOO_MANY_REQUESTS");
    if (data.length <= this.#config.maxRequestBytes) return undefined;
    this.#times.of(kind).failed.observe(0);
    return new StoreError("REQUEST_TOO_LARGE");
  }

  /** From now on an outcome is owed. */
  #expect(id: bigint, wanted: Wanted, outcome: Outcome): Pending {
    const times = "kind" in wanted ? this.#times.of(wanted.kind) : undefined;
    const pending = new Pending(id, { sinceMs: this.#clock.monotonicMs(), times }, wanted, outcome);
    this.#pending.add(pending);
    return pending;
  }

  /** Hands over now, or once the state has room, if the wait has not ended by then. */
  #hand(pending: Pending, room: Promise<void> | undefined): void {
    if (room === undefined) {
      pending.waitsForLeader = true;
      this.#leaderless += 1;
      this.#handOver(pending);
    } else
      room.then(
        () => {
          if (this.#pending.has(pending.id)) this.#hand(pending, undefined);
        },
        () => undefined, // the member is ending, and the wait with it
      );
  }

  /** Hands over now, or as soon as there is a leader; the timeout ends the wait. */
  #handOver(pending: Pending): void {
    const result = pending.handOver(this.#consensus);
    if (result === "accepted") this.#leaveLeaderless(pending);
    else if (result !== "noLeader") this.#pending.fail(pending.id, new StoreError(refusals[result]));
    else if (this.#leaderless > proposeLimits.leaderlessMax)
      this.#pending.fail(pending.id, new StoreError("NO_LEADER"));
  }

  #tellFailed(pending: Pending, error: Error): void {
    this.#leaveLeaderless(pending);
    this.#failed.inc();
    pending.times?.failed.observe((this.#clock.monotonicMs() - pending.sinceMs) / 1_000);
    pending.outcome.failed(error);
  }

  /** It waits for a leader no longer. */
  #leaveLeaderless(pending: Pending): void {
    if (!pending.waitsForLeader) return;
    pending.waitsForLeader = false;
    this.#leaderless -= 1;
  }

  /** A leader that hands over takes nothing, nor does it later take what it was sent meanwhile. */
  #onDropped(dropped: DroppedProposal): void {
    const id = dropped.type === "confChange" ? dropped.id : loggedId(dropped.data);
    this.#pending.fail(id, new StoreError("PROPOSAL_DROPPED"));
  }

  #onLeadership({ leader, term }: ConsensusStatus): void {
    if (leader === 0n) return;
    for (const pending of this.#pending.values()) if (pending.waitsForLeader) this.#handOver(pending);
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
        tellEach(this.#pending.values(), ({ id, term: own, isUncertain }) => {
          if (own !== undefined && own < term)
            this.#pending.fail(id, new StoreError(isUncertain ? "TIMEOUT_LEADER_FAIL" : "LEADER_CHANGED"));
        });
      },
      () => undefined, // no leader again: the next one brings us back here, or the timeout ends the wait
    );
  }

  /** Says what etcd supposes of a request that came at `sinceMs` and was not answered. */
  #timeout(sinceMs: number): StoreError {
    const lostMs = this.#leaderSinceMs - 2 * this.#config.electionTimeoutMs;
    if (sinceMs > lostMs && sinceMs < this.#leaderSinceMs) return new StoreError("TIMEOUT_LEADER_FAIL");
    const { leader } = this.#consensus.status;
    const isConnected = leader === 0n || this.#isConnectedFor(leader, this.#clock.monotonicMs() - sinceMs);
    return new StoreError(isConnected ? "TIMEOUT" : "TIMEOUT_CONNECTION_LOST");
  }
}
