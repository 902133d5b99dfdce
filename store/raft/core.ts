import { below } from "../../base/os/random.ts";
import type { RaftConfig } from "./config.ts";
import { RaftLog } from "./log.ts";
import { type MessageParts, message, nobody } from "./message.ts";
import type { Progress } from "./progress.ts";
import { isVoter } from "./quorum.ts";
import type { PendingRead, ReadQueue } from "./read-index.ts";
import type {
  ConfState,
  Entry,
  Index,
  MemberId,
  Message,
  ReadState,
  Role,
  SnapshotMeta,
  Term,
} from "./types.ts";

export interface FollowerState {
  readonly role: "follower";
  readonly leader: MemberId;
}

export interface CandidateState {
  readonly role: "preCandidate" | "candidate";
  readonly votes: Map<MemberId, boolean>;
}

export interface LeaderState {
  readonly role: "leader";
  /** Every other member of the configuration. */
  readonly progress: Map<MemberId, Progress>;
  readonly reads: ReadQueue;
  /** Reads that came before this term's first commit. */
  earlyReads: PendingRead[];
  /** Who shall lead next; nobody when no transfer is under way. */
  transferee: MemberId;
  /** No further configuration change may be proposed until this index is applied. */
  pendingConfIndex: Index;
  /** Where this member's own removal stands in the log that it came to lead with; 0 where it does not. */
  readonly ownRemovalIndex: Index;
  uncommittedBytes: number;
  /** New entries or a new commit index wait to be sent. */
  broadcastDue: boolean;
  /** A read waits for a round of heartbeats. */
  heartbeatDue: boolean;
}

export type RoleState = FollowerState | CandidateState | LeaderState;

/** What one member knows. The functions of election, replication and reads change it; `RawNode` is the door to it.
 *  Two outboxes keep Raft's durability rule: `messages` may leave at once, `messagesAfterAppend` only when the term, the
 *  vote and the entries in memory at that time are on disk. */
export class Core {
  readonly config: RaftConfig;
  readonly id: MemberId;
  readonly log: RaftLog;
  term: Term;
  vote: MemberId;
  conf: ConfState;
  state: RoleState = { role: "follower", leader: nobody };
  /** Ticks since the leader was heard (follower), the campaign began (candidate), or the quorum was checked (leader). */
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTimeout: number;
  /** Terms that began since a leader was last known: elections that were not decided. */
  leaderlessTerms = 0;
  messages: Message[] = [];
  messagesAfterAppend: Message[] = [];
  readStates: ReadState[] = [];
  /** Proposals that go to the leader together, with the next Ready, and the term in which they were made. */
  forwarding: Pick<Entry, "type" | "data" | "term">[] = [];
  /** Proposals that went to the leader and that it did not take. */
  dropped: Pick<Entry, "type" | "data">[] = [];
  /** A snapshot that replaced the log and whose place in the durable log is not yet marked. */
  installed: SnapshotMeta | undefined;
  /** The commit index that the disk has confirmed. */
  durableCommit: Index;

  constructor(config: RaftConfig) {
    this.config = config;
    this.id = config.id;
    this.conf = config.conf;
    this.durableCommit = config.hardState.commit;
    const committed = Math.max(
      config.hardState.commit,
      config.applied,
      config.snapshot.index,
      committedByConfChange(config.entries),
    );
    this.log = new RaftLog(config.snapshot, config.entries, { committed, applied: config.applied });
    // A torn write may have kept entries and not the later term that they came in. No vote of that term was on disk then.
    const isTermLost = this.log.lastTerm > config.hardState.term;
    this.term = isTermLost ? this.log.lastTerm : config.hardState.term;
    this.vote = isTermLost ? nobody : config.hardState.vote;
    this.electionTimeout = this.drawElectionTimeout();
  }

  get role(): Role {
    return this.state.role;
  }

  get leader(): MemberId {
    switch (this.state.role) {
      case "follower":
        return this.state.leader;
      case "leader":
        return this.id;
      default:
        return nobody;
    }
  }

  get isPromotable(): boolean {
    return isVoter(this.conf, this.id) && this.installed === undefined;
  }

  /** Uniform in (n, 3n/2] of the election ticks: at n others may still heed the leader, and what more chance than this would
   *  spare of equal timeouts is less than it costs (`answerVote` settles them). */
  drawElectionTimeout(): number {
    const { electionTicks, random } = this.config;
    return electionTicks + 1 + below(random, Math.max(2, Math.ceil(electionTicks / 2)));
  }

  /** After an undecided election there is no leader to wait for: uniform in about [n/4, 5n/4) of the election ticks, up to
   *  [n/4, 33n/4) after several: perhaps the disks are so slow that no vote comes sooner, and every further term costs each of
   *  them another write. */
  drawRetryTimeout(): number {
    const { electionTicks, random } = this.config;
    const spread = 2 ** Math.min(Math.max(0, this.leaderlessTerms - 2), 3);
    return Math.max(2, Math.ceil(electionTicks / 4)) + below(random, electionTicks * spread);
  }

  /** A candidate whose own vote is not on disk yet. */
  get awaitsOwnVote(): boolean {
    return this.state.role === "candidate" && !this.state.votes.has(this.id);
  }

  send(parts: MessageParts): void {
    this.messages.push(message(this.id, { term: this.term, ...parts }));
  }

  sendAfterAppend(parts: MessageParts): void {
    this.messagesAfterAppend.push(message(this.id, { term: this.term, ...parts }));
  }
}

/** A leader proposes a configuration change only when all earlier ones are applied. So all but the last change in a log are
 *  committed, even if the crash that ended the last life lost the commit index. Without this a member could campaign with a
 *  configuration that is two changes old, whose majorities need not overlap with the present ones. */
function committedByConfChange(entries: readonly Entry[]): Index {
  const last = entries.findLastIndex((entry) => entry.type === "confChange");
  return entries.slice(0, Math.max(0, last)).findLast((entry) => entry.type === "confChange")?.index ?? 0;
}
