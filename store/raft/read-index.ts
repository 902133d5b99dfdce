import type { Index, MemberId } from "./types.ts";

/** A linearizable read on the leader: who asked, with which id, and the commit index when it came. */
export interface PendingRead {
  readonly from: MemberId;
  readonly requestId: bigint;
  readonly index: Index;
}

interface Round extends PendingRead {
  /** Unique within the leader's term; travels with the heartbeats and comes back with their answers. */
  readonly round: bigint;
  readonly acks: Set<MemberId>;
}

/** Reads that wait for a quorum to confirm the leader (thesis §6.4). A quorum that answers a heartbeat sent after a read
 *  arrived proves that no later leader had been elected at that time, hence that `index` covers every earlier write.
 *  Rounds are numbered by the leader itself, so that an answer can never be taken for another read's. */
export class ReadQueue {
  readonly #rounds: Round[] = [];
  #lastRound = 0n;

  get length(): number {
    return this.#rounds.length;
  }

  /** The newest unconfirmed round: its confirmation confirms all before it. */
  get newestRound(): bigint | undefined {
    return this.#rounds.at(-1)?.round;
  }

  add(read: PendingRead, self: MemberId): bigint {
    this.#lastRound += 1n;
    this.#rounds.push({ ...read, round: this.#lastRound, acks: new Set([self]) });
    return this.#lastRound;
  }

  /** A member answered the heartbeat of `round`: it confirms that round and all before it. The reads that `isConfirmed`
   *  accepts, and all before them, leave the queue. */
  acknowledge(
    from: MemberId,
    round: bigint,
    isConfirmed: (acks: ReadonlySet<MemberId>) => boolean,
  ): PendingRead[] {
    let confirmed = 0;
    for (const [at, read] of this.#rounds.entries()) {
      if (read.round > round) break;
      read.acks.add(from);
      if (isConfirmed(read.acks)) confirmed = at + 1;
    }
    return this.#rounds.splice(0, confirmed);
  }
}
