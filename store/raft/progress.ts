import { Inflights } from "./inflights.ts";
import type { Index } from "./types.ts";

/** How a leader feeds one follower.
 *  probe: where the logs agree is not known; one append at a time, `paused` until it is answered or a heartbeat was.
 *  replicate: appends are pipelined up to the window.
 *  snapshot: the follower needs the whole state at `pending`; no appends until it has it or failed to get it. */
export type Feed =
  | { readonly state: "probe"; readonly next: Index; readonly paused: boolean }
  | { readonly state: "replicate"; readonly next: Index; readonly inflights: Inflights }
  | { readonly state: "snapshot"; readonly next: Index; readonly pending: Index };

export interface WindowLimits {
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
}

/** What a leader knows of one member. Invariant: match < feed.next. */
export class Progress {
  /** The highest index known to be durable there. */
  match: Index;
  feed: Feed;
  /** Whether it was heard from since the last check-quorum. */
  active = true;
  /** How many checks up to the last one in a row found it silent. */
  silentChecks = 0;
  /** The commit index last sent with an append, so that a follower learns of a commit without a new entry, once. */
  commitSent: Index = 0;
  /** `match` when the last heartbeat was answered. */
  matchAtHeartbeat: Index = -1;
  /** It was sent the state, and is not close behind the leader yet. */
  isCatchingUp = false;
  #lastIndexAtCheck: Index = Number.POSITIVE_INFINITY;
  readonly #limits: WindowLimits;

  constructor(next: Index, limits: WindowLimits) {
    this.match = 0;
    this.feed = { state: "probe", next, paused: false };
    this.#limits = limits;
  }

  /** The first entry that it is still to be sent, as far as is known. */
  get wanted(): Index {
    return this.feed.state === "replicate" ? this.match + 1 : this.feed.next;
  }

  /** The quorum was checked: another period begins. `lastIndex`: of the leader's log. */
  checked(lastIndex: Index): void {
    const lag = lastIndex - this.match;
    // It lacks less than what the leader wrote in a quarter of the period.
    if (lag * 4 <= lastIndex - this.#lastIndexAtCheck) this.isCatchingUp = false;
    this.#lastIndexAtCheck = lastIndex;
    this.silentChecks = this.active ? 0 : this.silentChecks + 1;
    this.active = false;
  }

  /** Heard since the last check of the quorum, or before that one. Right after a check nobody is `active`. */
  get isHeard(): boolean {
    return this.active || this.silentChecks === 0;
  }

  get isPaused(): boolean {
    const { feed } = this;
    if (feed.state === "probe") return feed.paused;
    return feed.state === "snapshot" || feed.inflights.isFull;
  }

  /** any -> probe. After a snapshot, just past it: the follower may have it. */
  becomeProbe(): void {
    const past = this.feed.state === "snapshot" ? this.feed.pending : 0;
    this.feed = { state: "probe", next: Math.max(this.match, past) + 1, paused: false };
  }

  /** any -> replicate. The follower's log matches up to `match`. */
  becomeReplicate(): void {
    this.feed = {
      state: "replicate",
      next: this.match + 1,
      inflights: new Inflights(this.#limits.inflightMessagesMax, this.#limits.inflightBytesMax),
    };
  }

  /** any -> snapshot. */
  becomeSnapshot(pending: Index): void {
    this.feed = { state: "snapshot", next: pending + 1, pending };
    this.isCatchingUp = true;
    this.#lastIndexAtCheck = Number.POSITIVE_INFINITY;
  }

  /** An append with `count` entries (`bytes` of payload) starting at `next` was sent. */
  sent(count: number, bytes: number): void {
    const { feed } = this;
    if (feed.state === "probe") {
      this.feed = { ...feed, paused: true };
    } else if (feed.state === "replicate" && count > 0) {
      const last = feed.next + count - 1;
      feed.inflights.add(last, bytes);
      this.feed = { ...feed, next: last + 1 };
    }
  }

  /** The follower has everything up to `index`. True when that is news. */
  matched(index: Index): boolean {
    const news = index > this.match;
    if (news) this.match = index;
    const next = Math.max(this.feed.next, this.match + 1);
    switch (this.feed.state) {
      case "probe":
        this.feed = { state: "probe", next, paused: news ? false : this.feed.paused };
        break;
      case "replicate":
        this.feed.inflights.freeTo(index);
        if (next !== this.feed.next) this.feed = { ...this.feed, next };
        break;
      case "snapshot":
        break;
    }
    return news;
  }

  /** The follower refused the append after `rejected`; its log may agree with ours at `hint`. True when it shall be asked
   *  again, further back. False when that is old news, or when there is nothing further back to ask for: a follower that
   *  refuses what it acknowledged would refuse the same again, at once and for ever, so the next heartbeat asks. */
  refused(rejected: Index, hint: Index): boolean {
    const { feed } = this;
    switch (feed.state) {
      case "replicate":
        if (rejected <= this.match) return false;
        this.becomeProbe();
        return true;
      case "probe": {
        if (feed.next - 1 !== rejected) return false;
        const next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
        if (next >= feed.next) return false;
        this.feed = { state: "probe", next, paused: false };
        return true;
      }
      case "snapshot":
        return false;
    }
  }

  /** A heartbeat was answered: the follower is there, so a probe may be tried again. */
  resume(): void {
    if (this.feed.state === "probe" && this.feed.paused) this.feed = { ...this.feed, paused: false };
  }
}
